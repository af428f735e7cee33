/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of the measurements: three of them, for generated segments and for the traffic
 * of load.h; and any other configuration text.
 */
#ifndef FINWALL_BENCH_RULES_H
#define FINWALL_BENCH_RULES_H

#include <finwall/config.h>
#include <finwall/ruleset.h>

/* Whole configurations. */
extern const char rules_of_engine[];
extern const char rules_of_path[];

/*
 * Parse and compile a configuration: from memory, or the file "rules" of a reader, which may name
 * further files. Return NULL after an error message. ruleset_free() frees the result.
 */
struct ruleset *rules_new(const char *text);
struct ruleset *rules_load(const struct config_reader *reader);

#endif
