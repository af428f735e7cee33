/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks.
 */
#include "clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

struct mono clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ sec_to_ns(ts.tv_sec) + ts.tv_nsec };
}

uint64_t clock_wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* A hash of the kernel's boot ID (FNV-1a), or 0. */
static uint32_t read_boot_id(void)
{
	int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	uint32_t hash = UINT32_C(2166136261);
	char text[64];
	ssize_t size;

	if (fd < 0) {
		return 0;
	}
	size = read(fd, text, sizeof(text));
	(void)close(fd);
	for (ssize_t i = 0; i < size; i++) {
		hash = (hash ^ (uint8_t)text[i]) * UINT32_C(16777619);
	}
	return size > 0 ? (hash ^ hash >> 24) & 0xffffff : 0;
}

struct wall_time clock_wall(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct wall_time){ .wall_ns = clock_wall_ns(),
		                   .boot_s = (uint32_t)ts.tv_sec,
		                   .boot_id = read_boot_id() };
}
