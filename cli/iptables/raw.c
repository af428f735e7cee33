/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What finwall has to know of table raw: which packets the kernel does not track. The rules of its
 * base chains that decide about it, -j CT --notrack and the ACCEPT and RETURN before them, become
 * chains of priority raw. The table itself stays in the kernel.
 */
#include "iptables/command.h"
#include "iptables/rule.h"
#include "iptables/whole.h"

#include <stdlib.h>
#include <string.h>

static const char *const hooks[CONVERT_RAW_LEN] = { "PREROUTING", "OUTPUT" };

static bool is_word(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* The word behind -j, or NULL. */
static const char *target_of(const char *const *word, size_t len, bool *is_untracked)
{
	const char *target = NULL;

	*is_untracked = false;
	for (size_t i = 0; i + 1 < len; i++) {
		if (is_word(word[i], "-j", "--jump")) {
			target = word[i + 1];
		}
	}
	for (size_t i = 0; i < len; i++) {
		*is_untracked |= strcmp(word[i], "--notrack") == 0;
	}
	*is_untracked |= target != NULL && strcmp(target, "NOTRACK") == 0;
	return target;
}

/* Rules with a set of their own, or of ipset, are not converted: the set is in another table. */
static bool has_set(const struct convert_rule *r)
{
	for (const char *at = r->matches; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == '@') {
			return true;
		}
	}
	return r->has_set;
}

static void add(const struct convert_line *l, struct convert_chain *c, struct convert_rule *rules,
                size_t len)
{
	bool is_refused = false;

	for (size_t i = 0; i < len; i++) {
		is_refused |= has_set(&rules[i]);
	}
	if (is_refused) {
		convert_note(l->cv, l->file, l->line,
		             "in table raw, with a set: finwall tracks the packets all the same");
	}
	for (size_t i = 0; i < len; i++) {
		rules[i].file = l->file;
		rules[i].line = l->line;
		if (is_refused || convert_rule_insert(c, c->rules_len, &rules[i]) != 0) {
			l->cv->no_memory |= !is_refused;
			convert_rule_fini(&rules[i]);
		}
	}
}

void convert_raw_rule(const struct convert_line *l, enum convert_family family,
                      const char *const *word, size_t len)
{
	struct convert_rule rules[CONVERT_RULES_MAX];
	struct rule_parser p = {
		.family = family,
		.cv = l->cv,
		.sets = &l->cv->table[family],
		.word = word + 2,
		.len = len >= 2 ? len - 2 : 0,
		.is_raw = true,
	};
	bool is_untracked;
	const char *target = target_of(word, len, &is_untracked);
	bool is_decided = target != NULL && is_word(target, "ACCEPT", "RETURN");
	size_t nr = 0;
	size_t made;

	if (len < 2 || (!is_untracked && !is_decided)) {
		return;
	}
	while (nr < CONVERT_RAW_LEN && strcmp(hooks[nr], word[1]) != 0) {
		nr++;
	}
	if (nr == CONVERT_RAW_LEN) {
		if (is_untracked) {
			convert_note(
				l->cv, l->file, l->line,
				"notrack in a chain of its own: finwall tracks the packets all the "
				"same; write it into PREROUTING or OUTPUT");
		}
		return;
	}
	made = convert_rule_make(&p, rules);
	if (made == 0) {
		convert_note(
			l->cv, l->file, l->line,
			"in table raw, and not converted (%s): finwall tracks other packets than "
			"the kernel",
			p.why);
		return;
	}
	l->cv->has_notrack[family] |= is_untracked;
	add(l, &l->cv->raw[family][nr], rules, made);
}

void convert_raw_fini(struct convert *cv)
{
	for (size_t family = 0; family < CONVERT_FAMILIES_LEN; family++) {
		for (size_t nr = 0; nr < CONVERT_RAW_LEN; nr++) {
			convert_chain_flush(&cv->raw[family][nr]);
			free(cv->raw[family][nr].rules);
		}
	}
}
