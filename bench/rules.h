/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three rules of every comparison.
 */
#ifndef FINWALL_BENCH_RULES_H
#define FINWALL_BENCH_RULES_H

#include <finwall/ruleset.h>

/* Their text, a whole configuration. */
extern const char rules_text[];

/* Parses and compiles them. Returns NULL on failure, having said so. The caller frees with
 * ruleset_free(). */
struct ruleset *rules_new(void);

#endif
