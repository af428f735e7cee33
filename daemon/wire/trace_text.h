/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces for people and programs: as lines in the words of `nft monitor trace`, and as JSON. The
 * same for live packets, for `finwall replay` and for explanations. Pure: names and the
 * configuration are arguments.
 */
#ifndef FINWALL_WIRE_TRACE_TEXT_H
#define FINWALL_WIRE_TRACE_TEXT_H

#include <finwall/config.h>
#include <finwall/trace.h>

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a line with its NUL; a longer one is cut. */
#define TRACE_LINE_SIZE 1024

/* What a trace has by number only. */
struct trace_names {
	const struct config *config; /* of the trace's generation; NULL = gone */
	const char *iif;             /* "" = none */
	const char *oif;
	uint32_t id; /* of the trace */
};

/* Calls line for each line, without a newline. */
void trace_text(const struct trace *t, const struct trace_names *names,
                void (*line)(void *ctx, const char *text), void *ctx);

/* Returns a new reference, or NULL when memory runs out. */
json_t *trace_json(const struct trace *t, const struct trace_names *names);

/*
 * Adds to an object the rule that decided: {"rule":{"family":..,"table":..,"chain":..,"file":..,
 * "line":..,"text":..}}, or the chain whose policy did, without text. rule_nr and family (4, 6 or
 * 0): of the decision; config may be NULL.
 */
void rule_json_add(json_t *object, const struct config *config, uint32_t rule_nr,
                   enum base_chain base, uint8_t family);

/* Writes the same as "inet filter input FILE:LINE"; "" without a rule or chain. */
#define RULE_PLACE_SIZE 512
void rule_place_text(const struct config *config, uint32_t rule_nr, enum base_chain base,
                     uint8_t family, char out[RULE_PLACE_SIZE]);

#endif
