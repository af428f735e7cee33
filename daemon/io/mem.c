/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and randomness from the kernel.
 */
#include "mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void *mem_map(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED) {
		return NULL;
	}
	/* Look-ups in large tables are random: huge pages avoid TLB misses. Only advice. */
	(void)madvise(mem, size, MADV_HUGEPAGE);
	return mem;
}

void mem_hide_from_children(void *mem, size_t size)
{
	(void)madvise(mem, size, MADV_DONTFORK);
}

int mem_populate(void *mem, size_t size)
{
	int res;

	do {
		res = madvise(mem, size, MADV_POPULATE_WRITE);
	} while (res != 0 && errno == EINTR);
	return res == 0 ? 0 : -errno;
}

void mem_unmap(void *mem, size_t size)
{
	if (mem != NULL) {
		(void)munmap(mem, size);
	}
}

void mem_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

int mem_random(void *out, size_t size)
{
	uint8_t *at = out;

	while (size > 0) {
		ssize_t got = getrandom(at, size, 0);

		if (got < 0 && errno != EINTR) {
			return -errno;
		}
		if (got > 0) {
			at += got;
			size -= (size_t)got;
		}
	}
	return 0;
}
