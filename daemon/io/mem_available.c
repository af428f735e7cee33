/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Available memory: MemAvailable of the system, and the limits of all control groups from the
 * process's own to the visible root. Control groups of version 1 are ignored.
 */
#include "mem.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

#define BYTES_PER_KIB 1024

/* Reads the number after `name` at a line's start. Returns false when there is none. */
static bool read_line(const char *path, const char *name, uint64_t *out)
{
	FILE *f = fopen(path, "re");
	size_t name_size = strlen(name);
	char line[256];
	bool found = false;

	if (f == NULL) {
		return false;
	}
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		found = strncmp(line, name, name_size) == 0 &&
		        sscanf(line + name_size, "%" SCNu64, out) == 1;
	}
	(void)fclose(f);
	return found;
}

/* Reads a file of a group with one number. Returns false for "max". */
static bool read_group(const char *group, const char *name, uint64_t *out)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), CGROUP_ROOT "%s/%s", group, name);

	return len > 0 && (size_t)len < sizeof(path) && read_line(path, "", out);
}

/* Writes the group of this process: "" for the root, otherwise "/..." */
static void find_group(char *out, size_t out_size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	out[0] = '\0';
	if (f == NULL) {
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "0::/", 4) == 0) {
			line[strcspn(line, "\n")] = '\0';
			(void)snprintf(out, out_size, "%s", line[4] == '\0' ? "" : line + 3);
		}
	}
	(void)fclose(f);
}

uint64_t mem_available(void)
{
	char group[PATH_MAX];
	uint64_t least = 0;
	char *slash;

	if (!read_line("/proc/meminfo", "MemAvailable:", &least)) {
		return 0;
	}
	least *= BYTES_PER_KIB;
	find_group(group, sizeof(group));
	do {
		uint64_t limit;
		uint64_t used;

		if (read_group(group, "memory.max", &limit) &&
		    read_group(group, "memory.current", &used)) {
			uint64_t left = limit > used ? limit - used : 0;

			least = left < least ? left : least;
		}
		slash = strrchr(group, '/');
		if (slash != NULL) {
			*slash = '\0';
		}
	} while (slash != NULL);
	return least;
}
