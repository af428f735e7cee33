/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Used and available memory.
 */
#ifndef FINWALL_BENCH_MEMORY_H
#define FINWALL_BENCH_MEMORY_H

#include <stdint.h>

/* The resident set of this process; 0 if unknown. */
uint64_t memory_resident_bytes(void);

/* Memory that the system can still give out; 0 if unknown. */
uint64_t memory_available_bytes(void);

#endif
