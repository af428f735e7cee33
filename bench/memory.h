/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory is really used, and how much there is.
 */
#ifndef FINWALL_BENCH_MEMORY_H
#define FINWALL_BENCH_MEMORY_H

#include <stdint.h>

/* What the process really uses: its resident set. */
uint64_t memory_resident_bytes(void);

/* What the machine has left. */
uint64_t memory_available_bytes(void);

#endif
