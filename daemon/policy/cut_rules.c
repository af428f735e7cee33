/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of a chain as text: see cut_rules.h. */
#include "cut_rules.h"

#include <string.h>

/* Of the words below. */
#define WORD_MAX 12

/* Words with a meaning of their own. */
static const struct {
	const char *word;
	uint8_t has;
} words[] = {
	{ "drop", HAS_DROP | HAS_VERDICT },
	{ "reject", HAS_DROP | HAS_VERDICT },
	{ "queue", HAS_DROP | HAS_OTHER },
	{ "accept", HAS_VERDICT },
	{ "jump", HAS_OTHER },
	{ "goto", HAS_OTHER },
	{ "vmap", HAS_OTHER },
	{ "continue", HAS_OTHER },
	{ "log", HAS_OTHER },
	{ "limit", HAS_OTHER },
	{ "quota", HAS_OTHER },
	{ "count", HAS_OTHER },
	{ "meter", HAS_OTHER | HAS_STATE },
	{ "add", HAS_OTHER | HAS_STATE },
	{ "update", HAS_OTHER | HAS_STATE },
	{ "delete", HAS_OTHER | HAS_STATE },
	{ "name", HAS_OTHER },
	{ "numgen", HAS_OTHER },
	{ "last", HAS_OTHER },
	{ "notrack", HAS_OTHER | HAS_STATE },
	{ "flow", HAS_OTHER },
	{ "dup", HAS_OTHER },
	{ "fwd", HAS_OTHER },
	{ "synproxy", HAS_OTHER | HAS_DROP },
};

/* The word before "set", where only the kernel can set it. */
static const char *const effects[] = { "helper", "expectation", "secmark", "dscp",
	                               "ecn",    "size",        "ttl",     "hoplimit",
	                               "label",  "flowlabel",   "event",   "priority" };

/* What only rules of the kernel look up in a map. */
static const char *const kernel_data[] = { "ipv4_addr", "ipv6_addr", "inet_service", "ether_addr",
	                                   "secmark" };

static bool is(const char *at, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(at, word, size) == 0;
}

bool cut_is_effect(const char *name)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (strcmp(name, effects[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* "set" behind the last word: of the kernel, or with a meaning for finwall's rules, too. */
static uint8_t set_has(const struct cut_rules *r)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (r->last != NULL && is(r->last, r->last_size, effects[i])) {
			return HAS_EFFECT;
		}
	}
	return HAS_OTHER | HAS_STATE;
}

static bool is_kernel_data(const struct cut_rules *r, const struct cut_text *t)
{
	if (r->last == NULL || *r->last != ':') {
		return false;
	}
	for (size_t i = 0; i < sizeof(kernel_data) / sizeof(kernel_data[0]); i++) {
		if (cut_is(t, kernel_data[i])) {
			return true;
		}
	}
	return false;
}

static uint8_t word_has(const struct cut_rules *r, const struct cut_text *t)
{
	/* not for each element of a long list */
	if (t->size > WORD_MAX || *t->at < 'a' || *t->at > 'z') {
		return 0;
	}
	if (cut_is(t, "set")) {
		return set_has(r);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (cut_is(t, words[i].word)) {
			return words[i].has;
		}
	}
	return is_kernel_data(r, t) ? HAS_KERNEL_DATA : 0;
}

static struct cut_rule *current(const struct cut_rules *r)
{
	struct cut_rule *list = r->list.items;

	return r->is_in_rule ? &list[r->list.len - 1] : NULL;
}

static void begin(struct cut_rules *r, struct arena *a, const struct cut_text *t,
                  const void *references)
{
	struct cut_rule *rule = vec_add(a, &r->list, sizeof(*rule));

	rule->at = t->token == CUT_STRING ? t->at - 1 : t->at;
	rule->references_before = references;
	if (cut_is(t, "type")) {
		rule->has = HAS_SPEC | HAS_HOOK;
	} else if (cut_is(t, "policy") || cut_is(t, "comment") || cut_is(t, "flags")) {
		rule->has = HAS_SPEC;
	}
	r->is_in_rule = true;
	r->last = NULL;
}

void cut_rules_token(struct cut_rules *r, struct arena *a, const struct cut_text *t, unsigned depth,
                     const void *references)
{
	struct cut_rule *rule = current(r);
	const bool is_end = t->token == CUT_SEPARATOR || t->token == CUT_CLOSE;
	uint8_t has;

	if (is_end && depth <= 1) {
		if (rule != NULL) {
			rule->end = t->at;
			rule->references_after = references;
		}
		r->is_in_rule = false;
		r->last = NULL;
		return;
	}
	if (depth == 1 && rule == NULL) {
		begin(r, a, t, references);
		rule = current(r);
	}
	if (t->token != CUT_WORD) {
		r->last = t->token == CUT_OTHER ? t->at : NULL;
		r->last_size = 1;
		return;
	}
	has = word_has(r, t);
	r->has |= has;
	if (rule != NULL) {
		rule->has |= has;
		if ((has & HAS_DROP) != 0 && depth == 1) {
			rule->verdict = t->at;
		}
	}
	r->last = t->at;
	r->last_size = t->size;
}

bool cut_rule_is_only_kernel(const struct cut_rule *rule)
{
	return (rule->has & HAS_EFFECT) != 0 && (rule->has & (HAS_VERDICT | HAS_OTHER)) == 0;
}

static const struct cut_rule *last_effect(const struct cut_rules *r)
{
	const struct cut_rule *list = r->list.items;
	const struct cut_rule *last = NULL;

	for (size_t i = 0; i < r->list.len; i++) {
		last = (list[i].has & HAS_EFFECT) != 0 ? &list[i] : last;
	}
	return last;
}

bool cut_rules_can_divide(const struct cut_rules *r)
{
	const struct cut_rule *last = last_effect(r);
	bool can = last != NULL && !r->is_in_rule;

	for (const struct cut_rule *i = r->list.items; can && i <= last; i++) {
		can = (i->has & HAS_EFFECT) != 0 ? cut_rule_is_only_kernel(i)
		                                 : (i->has & HAS_OTHER) == 0;
	}
	return can;
}

bool cut_rule_is_kernel(const struct cut_rules *r, const struct cut_rule *rule)
{
	return (rule->has & HAS_SPEC) != 0 ? (rule->has & HAS_HOOK) != 0 : rule <= last_effect(r);
}

/* Accepts what finwall drops. */
static void write_rule(const struct cut_rule *rule, struct text *out)
{
	const char *end = rule->verdict != NULL ? rule->verdict : rule->end;

	while (end > rule->at && strchr(" \t\r\n", end[-1]) != NULL) {
		end--;
	}
	text_add(out, "\t\t%.*s%s\n", (int)(end - rule->at), rule->at,
	         rule->verdict == NULL ? ""
	         : end > rule->at      ? " accept"
	                               : "accept");
}

void cut_rules_write(const struct cut_rules *r, struct text *out, const char *name)
{
	const struct cut_rule *list = r->list.items;

	text_add(out, "\tchain %s {\n", name);
	for (size_t i = 0; i < r->list.len; i++) {
		if (cut_rule_is_kernel(r, &list[i])) {
			write_rule(&list[i], out);
		}
	}
	text_add(out, "\t}\n");
}
