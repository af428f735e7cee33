/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table whose connections have all expired and are all remembered.
 */
#ifndef FINWALL_BENCH_ENGINE_REMEMBER_H
#define FINWALL_BENCH_ENGINE_REMEMBER_H

#include "engine_case.h"

/*
 * Opens p->flows connections in a new table and lets them expire. *grown_bytes is the growth of
 * the resident set while they expired. Returns NULL when memory runs out, and after an error
 * message when not all are remembered.
 */
struct case_table *remember_new(const struct case_params *p, uint64_t *grown_bytes);
void remember_free(struct case_table *t);

#endif
