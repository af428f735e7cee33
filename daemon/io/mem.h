/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and randomness from the kernel.
 */
#ifndef FINWALL_IO_MEM_H
#define FINWALL_IO_MEM_H

#include <stddef.h>

/*
 * Zeroed, page-aligned memory that costs nothing until it is touched; huge pages where the system
 * grants them. Returns NULL with errno set.
 */
void *mem_map(size_t size);

/* Releases it; NULL is fine. */
void mem_unmap(void *mem, size_t size);

/* Gives back to the system what the heap holds free. After much of it has been freed at once. */
void mem_trim(void);

/* Fills out with random bytes. Returns 0/-errno. */
int mem_random(void *out, size_t size);

#endif
