/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three rules of every comparison, in two editions.
 */
#ifndef FINWALL_BENCH_RULES_H
#define FINWALL_BENCH_RULES_H

#include <finwall/ruleset.h>

/* Whole configurations: for packets from memory, and for the traffic of load.h. */
extern const char rules_of_engine[];
extern const char rules_of_path[];

/* Parses and compiles one. Returns NULL on failure, having said so. ruleset_free() frees it. */
struct ruleset *rules_new(const char *text);

#endif
