/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as JSON text. See connection_texts.h.
 */
#include "connection_texts.h"

#include "generation.h"
#include "wire/trace_text.h"

#include <stdlib.h>
#include <string.h>

/* ,"rule":{...}; the caller's to free. NULL: there is nothing to add, or no memory. */
static char *rule_text(const struct generation *g, uint32_t rule_nr, enum hook hook, uint8_t family)
{
	json_t *o = json_object();
	char *text = NULL;

	rule_json_add(o, g->config, rule_nr, (enum base_chain)hook, family);
	if (json_object_size(o) > 0) {
		text = json_dumps(o, JSON_COMPACT);
	}
	json_decref(o);
	if (text != NULL) {
		/* without the braces of o */
		text[0] = ',';
		text[strlen(text) - 1] = '\0';
	}
	return text;
}

static void forget_rules(struct connection_texts *t)
{
	for (unsigned i = 0; i < CONNECTION_TEXTS_RULES; i++) {
		free(t->rule[i].text);
		t->rule[i] = (struct connection_rule){ 0 };
	}
}

/* A rule of the generation in force, or the policy of a hook's chain, or "". */
static const char *find_rule(struct connection_texts *t, const struct generation *g,
                             uint32_t rule_nr, enum hook hook, uint8_t family)
{
	uint32_t generation = g->shared.policy.generation;
	struct connection_rule *r;
	uint64_t key;

	if (t->generation != generation) {
		forget_rules(t);
		t->generation = generation;
	}
	/* Without a rule it is the policy of a chain, which depends on hook and family. */
	key = (uint64_t)rule_nr << 16 | (uint64_t)hook << 8 | family;
	r = &t->rule[rule_nr % CONNECTION_TEXTS_RULES];
	if (r->key != key) {
		free(r->text);
		r->text = rule_text(g, rule_nr, hook, family);
		r->key = key;
	}
	return r->text != NULL ? r->text : "";
}

/* The rule that let a connection in, if the rules in force have it, or "". */
static const char *find_origin(struct connection_texts *t, const struct generation *g,
                               const struct flow_view *v)
{
	uint32_t rule_nr;

	if (v->kind != VIEW_LIVE ||
	    !flow_origin_rule(v->origin, g->shared.policy.generation, &rule_nr)) {
		return "";
	}
	return find_rule(t, g, rule_nr, (enum hook)v->hook, v->orig.family);
}

static bool reserve(struct connection_texts *t, size_t size)
{
	size_t space = 2 * (t->size + size);
	char *at;

	if (t->size + size <= t->space) {
		return true;
	}
	at = realloc(t->at, space);
	if (at != NULL) {
		t->at = at;
		t->space = space;
	}
	return at != NULL;
}

static bool append(struct connection_texts *t, const char *text)
{
	size_t size = strlen(text);

	if (!reserve(t, size)) {
		return false;
	}
	memcpy(t->at + t->size, text, size);
	t->size += size;
	return true;
}

/* ,"queued":{...}: why its packets go to the queue. */
static bool append_queued(struct connection_texts *t, const struct generation *g,
                          const struct flow_view *v)
{
	const struct lease_why *why = &v->queued;

	return append(t, ",\"queued\":{\"reason\":\"") && append(t, why->word) &&
	       append(t, why->is_by_rules == 0  ? "\""
	                 : why->dir == DIR_ORIG ? "\",\"direction\":\"original\""
	                                        : "\",\"direction\":\"reply\"") &&
	       (why->is_by_rules == 0 ||
	        append(t, find_rule(t, g, why->rule_nr, (enum hook)why->hook, v->orig.family))) &&
	       append(t, "}");
}

void connection_texts_add(struct connection_texts *t, const struct generation *g,
                          const struct flow_view *v)
{
	const size_t start = t->size;

	if (!reserve(t, FLOW_JSON_SIZE + 1)) {
		return;
	}
	if (t->size > 0) {
		t->at[t->size++] = ',';
	}
	/* without the brace that ends the connection */
	t->size += flow_json_text(v, t->at + t->size) - 1;
	if (!append(t, find_origin(t, g, v)) ||
	    (v->queued.word != NULL && !append_queued(t, g, v)) || !append(t, "}")) {
		t->size = start;
	}
}

void connection_texts_fini(struct connection_texts *t)
{
	forget_rules(t);
	free(t->at);
}
