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
static char *rule_text(const struct generation *g, const struct flow_view *v, uint32_t rule_nr)
{
	json_t *o = json_object();
	char *text = NULL;

	rule_json_add(o, g->config, rule_nr, (enum base_chain)v->hook, v->orig.family);
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

/* The rule that let a connection in, if the rules in force have it, or "". */
static const char *find_rule(struct connection_texts *t, const struct generation *g,
                             const struct flow_view *v)
{
	uint32_t generation = g->shared.policy.generation;
	struct connection_rule *r;
	uint32_t rule_nr;
	uint64_t key;

	if (v->kind != VIEW_LIVE || !flow_origin_rule(v->origin, generation, &rule_nr)) {
		return "";
	}
	if (t->generation != generation) {
		forget_rules(t);
		t->generation = generation;
	}
	/* Without a rule it is the policy of a chain, which depends on hook and family. */
	key = (uint64_t)rule_nr << 16 | (uint64_t)v->hook << 8 | v->orig.family;
	r = &t->rule[rule_nr % CONNECTION_TEXTS_RULES];
	if (r->key != key) {
		free(r->text);
		r->text = rule_text(g, v, rule_nr);
		r->key = key;
	}
	return r->text != NULL ? r->text : "";
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

void connection_texts_add(struct connection_texts *t, const struct generation *g,
                          const struct flow_view *v)
{
	const char *rule = find_rule(t, g, v);
	size_t rule_size = strlen(rule);

	if (!reserve(t, FLOW_JSON_SIZE + rule_size + 2)) {
		return;
	}
	if (t->size > 0) {
		t->at[t->size++] = ',';
	}
	t->size += flow_json_text(v, t->at + t->size);
	/* before the brace that ends the connection */
	memcpy(t->at + t->size - 1, rule, rule_size);
	t->size += rule_size;
	t->at[t->size - 1] = '}';
}

void connection_texts_fini(struct connection_texts *t)
{
	forget_rules(t);
	free(t->at);
}
