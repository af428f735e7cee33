/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains and their rules.
 */
#include "iptables/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const base_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "INPUT",
	[HOOK_FORWARD] = "FORWARD",
	[HOOK_OUTPUT] = "OUTPUT",
};

/* Makes space for one more element. Returns false if memory runs out. */
static bool grow(void **array, size_t len, size_t *size, size_t element)
{
	size_t new_size = *size == 0 ? 8 : *size * 2;
	void *bigger;

	if (len < *size) {
		return true;
	}
	bigger = realloc(*array, new_size * element);
	if (bigger == NULL) {
		return false;
	}
	*array = bigger;
	*size = new_size;
	return true;
}

void convert_init(struct convert *cv, FILE *messages)
{
	*cv = (struct convert){ .messages = messages };
	for (size_t family = 0; family < CONVERT_FAMILIES_LEN; family++) {
		for (int hook = 0; hook < HOOKS_LEN; hook++) {
			struct convert_chain *c =
				convert_chain_add(&cv->table[family], base_names[hook]);

			if (c == NULL) {
				cv->no_memory = true;
				return;
			}
			c->hook = hook;
		}
	}
}

void convert_fini(struct convert *cv)
{
	for (size_t family = 0; family < CONVERT_FAMILIES_LEN; family++) {
		struct convert_table *t = &cv->table[family];

		for (size_t i = 0; i < t->chains_len; i++) {
			convert_chain_flush(&t->chains[i]);
			free(t->chains[i].rules);
			free(t->chains[i].name);
			free(t->chains[i].new_name);
		}
		free(t->chains);
	}
}

struct convert_chain *convert_chain_find(struct convert_table *t, const char *name)
{
	if (t->last_found < t->chains_len && strcmp(t->chains[t->last_found].name, name) == 0) {
		return &t->chains[t->last_found];
	}
	for (size_t i = 0; i < t->chains_len; i++) {
		if (strcmp(t->chains[i].name, name) == 0) {
			t->last_found = i;
			return &t->chains[i];
		}
	}
	return NULL;
}

struct convert_chain *convert_chain_add(struct convert_table *t, const char *name)
{
	struct convert_chain *c;
	char *copy = strdup(name);

	if (copy == NULL ||
	    !grow((void **)&t->chains, t->chains_len, &t->chains_size, sizeof(*t->chains))) {
		free(copy);
		return NULL;
	}
	c = &t->chains[t->chains_len++];
	*c = (struct convert_chain){ .name = copy, .hook = -1 };
	return c;
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
	if (!grow((void **)&c->rules, c->rules_len, &c->rules_size, sizeof(*c->rules))) {
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
