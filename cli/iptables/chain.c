/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains and their rules.
 */
#include "iptables/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. A file that makes names collide only slows down its own conversion. */
static size_t hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++) {
		h = (h ^ (unsigned char)*name) * 16777619u;
	}
	return h;
}

/* Enters a chain into the index, which has a free place. */
static void index_chain(struct convert_table *t, size_t nr)
{
	size_t at = hash(t->chains[nr].name) & (t->index_size - 1);

	while (t->index[at] != 0) {
		at = (at + 1) & (t->index_size - 1);
	}
	t->index[at] = (uint32_t)nr + 1;
}

/* Makes an index for the chains and as many more; its size is a power of two. */
static bool make_index(struct convert_table *t)
{
	size_t size = 32;
	uint32_t *fresh;

	while (size < 4 * t->chains_len) {
		size *= 2;
	}
	fresh = calloc(size, sizeof(*fresh));
	if (fresh == NULL) {
		return false;
	}
	free(t->index);
	t->index = fresh;
	t->index_size = size;
	for (size_t i = 0; i < t->chains_len; i++) {
		index_chain(t, i);
	}
	return true;
}

struct convert_chain *convert_chain_find(const struct convert_table *t, const char *name)
{
	size_t at = hash(name) & (t->index_size - 1);

	while (t->index != NULL && t->index[at] != 0) {
		struct convert_chain *c = &t->chains[t->index[at] - 1];

		if (strcmp(c->name, name) == 0) {
			return c;
		}
		at = (at + 1) & (t->index_size - 1);
	}
	return NULL;
}

struct convert_chain *convert_chain_add(struct convert_table *t, const char *name)
{
	struct convert_chain *c;
	char *copy = strdup(name);

	if (copy == NULL || !convert_grow((void **)&t->chains, t->chains_len, &t->chains_size,
	                                  sizeof(*t->chains))) {
		free(copy);
		return NULL;
	}
	c = &t->chains[t->chains_len++];
	*c = (struct convert_chain){ .name = copy, .hook = -1 };
	if (2 * t->chains_len > t->index_size) {
		if (!make_index(t)) {
			t->chains_len--;
			free(copy);
			return NULL;
		}
	} else {
		index_chain(t, t->chains_len - 1);
	}
	return c;
}

bool convert_chains_remove(struct convert_table *t, const struct convert_chain *only)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->chains_len; i++) {
		struct convert_chain *old = &t->chains[i];

		if (old->hook < 0 && (only == NULL || only == old) && old->rules_len == 0) {
			free(old->rules);
			free(old->name);
			free(old->new_name);
			continue;
		}
		t->chains[kept++] = *old;
	}
	t->chains_len = kept;
	return make_index(t);
}

void convert_chain_flush(struct convert_chain *c)
{
	for (size_t i = 0; i < c->rules_len; i++) {
		convert_rule_fini(&c->rules[i]);
	}
	c->rules_len = 0;
}

int convert_rule_insert(struct convert_chain *c, size_t at, const struct convert_rule *rule)
{
	if (!convert_grow((void **)&c->rules, c->rules_len, &c->rules_size, sizeof(*c->rules))) {
		return -ENOMEM;
	}
	memmove(&c->rules[at + 1], &c->rules[at], (c->rules_len - at) * sizeof(*c->rules));
	c->rules[at] = *rule;
	c->rules_len++;
	return 0;
}

void convert_rule_fini(struct convert_rule *rule)
{
	free(rule->source);
	free(rule->matches);
	free(rule->action);
	free(rule->inet_action);
	free(rule->comment);
	free(rule->refused);
	*rule = (struct convert_rule){ 0 };
}
