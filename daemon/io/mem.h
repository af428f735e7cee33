/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and randomness from the kernel.
 */
#ifndef FINWALL_IO_MEM_H
#define FINWALL_IO_MEM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Zeroed, page-aligned memory that costs nothing until it is touched; huge pages where the system
 * grants them. Returns NULL with errno set.
 */
void *mem_map(size_t size);

/*
 * Has the kernel back part of it with memory now; what it holds does not change, and others may use
 * it meanwhile. size and the offset in the mapping: multiples of the page size. Returns 0/-errno:
 * -EINVAL where the kernel (before 5.14) cannot.
 */
int mem_populate(void *mem, size_t size);

/*
 * Bytes that can still be had without swapping or hitting a limit: of the system, and of the
 * process's control groups (version 2) where they have limits. 0 when nothing is known.
 */
uint64_t mem_available(void);

/* Releases it; NULL is fine. */
void mem_unmap(void *mem, size_t size);

/* Fills out with random bytes. Returns 0/-errno. */
int mem_random(void *out, size_t size);

#endif
