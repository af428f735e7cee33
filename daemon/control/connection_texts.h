/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of a reply as JSON text, each with the rule that let it in. Rules are kept as
 * text: most connections of a list have the same few. Main thread only.
 */
#ifndef FINWALL_CONTROL_CONNECTION_TEXTS_H
#define FINWALL_CONTROL_CONNECTION_TEXTS_H

#include <finwall/flow_text.h>

#include <stddef.h>
#include <stdint.h>

struct generation;

#define CONNECTION_TEXTS_RULES 64

/* Zeroed at first. */
struct connection_texts {
	char *at; /* elements of a JSON array */
	size_t size;
	size_t space;
	uint32_t generation; /* of the rules below */
	struct connection_rule {
		uint64_t key; /* 0 = none */
		char *text;   /* ,"rule":{...} */
	} rule[CONNECTION_TEXTS_RULES];
};

/* Appends a connection; without memory it is left out. g: in force. */
void connection_texts_add(struct connection_texts *t, const struct generation *g,
                          const struct flow_view *v);

void connection_texts_fini(struct connection_texts *t);

#endif
