/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and randomness from the kernel.
 */
#ifndef FINWALL_IO_MEM_H
#define FINWALL_IO_MEM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Maps zeroed, page-aligned memory, which is allocated page by page at first use; huge pages if the
 * system grants them. Returns NULL with errno set. Release it with mem_unmap().
 */
void *mem_map(size_t size);

/*
 * Allocates the pages of a part of the mapping now. The contents stay; other threads may use the
 * memory meanwhile. size and the offset in the mapping: multiples of the page size. Returns
 * 0/-errno; -EINVAL before Linux 5.14.
 */
int mem_populate(void *mem, size_t size);

/*
 * Returns the bytes that can be allocated without swapping: MemAvailable of the system, and what
 * the limits of the process's control groups (version 2) leave. 0 when unknown.
 */
uint64_t mem_available(void);

/*
 * Later child processes do not have this mapping: fork() need not copy its page tables, and no
 * write to it has to copy a page. Only advice.
 */
void mem_hide_from_children(void *mem, size_t size);

/* Unmaps the whole mapping; NULL is fine. */
void mem_unmap(void *mem, size_t size);

/* Returns free heap memory to the system. For use after large frees. */
void mem_trim(void);

/* Fills out with random bytes. Returns 0/-errno. */
int mem_random(void *out, size_t size);

#endif
