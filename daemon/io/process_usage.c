/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process clock, and /proc/self/statm.
 */
#include "process_usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static uint64_t resident_pages(void)
{
	unsigned long long pages = 0;
	char text[128];
	ssize_t size;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return 0;
	}
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size > 0 ? size : 0] = '\0';
	return sscanf(text, "%*u %llu", &pages) == 1 ? pages : 0;
}

void process_usage_read(struct process_usage *out)
{
	struct timespec cpu = { 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	out->cpu_ns = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
	out->resident_bytes = resident_pages() * (uint64_t)sysconf(_SC_PAGESIZE);
}
