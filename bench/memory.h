/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as the daemon takes it, and how much of it is real.
 */
#ifndef FINWALL_BENCH_MEMORY_H
#define FINWALL_BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed, reserved lazily, in huge pages where the system grants them. NULL when there is none. */
void *memory_map(size_t size);
void memory_unmap(void *mem, size_t size);

/* What the process really uses: its resident set. */
uint64_t memory_resident_bytes(void);

/* What the machine has left. */
uint64_t memory_available_bytes(void);

#endif
