/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory, and what /proc says of it.
 */
#include "memory.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

void *memory_map(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED) {
		return NULL;
	}
	(void)madvise(mem, size, MADV_HUGEPAGE);
	return mem;
}

void memory_unmap(void *mem, size_t size)
{
	if (mem != NULL) {
		(void)munmap(mem, size);
	}
}

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
