/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads /proc/self/statm and /proc/meminfo.
 */
#include "memory.h"

#include <stdio.h>
#include <unistd.h>

uint64_t memory_resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f != NULL) {
		if (fscanf(f, "%*s %lu", &pages) != 1) {
			pages = 0;
		}
		fclose(f);
	}
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_available_bytes(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (f == NULL) {
		return 0;
	}
	while (fgets(line, sizeof(line), f) != NULL && kib == 0) {
		(void)sscanf(line, "MemAvailable: %lu", &kib);
	}
	fclose(f);
	return (uint64_t)kib * 1024;
}
