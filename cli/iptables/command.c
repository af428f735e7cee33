/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command of iptables, such as "-A CHAIN RULE", on the chains read so far. See command.h.
 */
#include "iptables/command.h"

#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

/* The words of a command, without -t TABLE. */
struct command {
	enum convert_family family;
	const char *table;
	const char *word[CONVERT_WORDS_MAX];
	size_t len;
	size_t at; /* index of -A, -I, ... */
};

static bool is_filter(const char *table)
{
	return strcmp(table, "filter") == 0;
}

/* The effect of a rule from the words of its command, of which some are not known. */
static enum convert_effect find_effect(const struct command *cmd)
{
	static const struct {
		const char *target;
		enum convert_effect effect;
	} known[] = {
		{ "DROP", EFFECT_DROPS },     { "REJECT", EFFECT_DROPS },
		{ "LOG", EFFECT_NONE },       { "NFLOG", EFFECT_NONE },
		{ "ULOG", EFFECT_NONE },      { "MARK", EFFECT_MARKS },
		{ "CONNMARK", EFFECT_MARKS }, { "TRACE", EFFECT_NONE },
		{ "AUDIT", EFFECT_NONE },     { "SECMARK", EFFECT_NONE },
		{ "TCPMSS", EFFECT_NONE },    { "CLASSIFY", EFFECT_NONE },
	};
	const char *target = NULL;

	for (size_t i = cmd->at; i + 1 < cmd->len; i++) {
		const char *word = cmd->word[i];

		if (strcmp(word, "--comment") == 0 || strcmp(word, "--log-prefix") == 0) {
			i++;
		} else if (strcmp(word, "-j") == 0 || strcmp(word, "--jump") == 0) {
			target = cmd->word[i + 1];
		} else if (strcmp(word, "-g") == 0 || strcmp(word, "--goto") == 0) {
			return EFFECT_PASSES;
		}
	}
	if (target == NULL) {
		/* an incomplete rule, or one that only counts */
		return strcmp(cmd->word[cmd->len - 1], "-j") == 0 ? EFFECT_PASSES : EFFECT_NONE;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].target, target) == 0) {
			return known[i].effect;
		}
	}
	return EFFECT_PASSES;
}

/* Keeps the rule as a comment at its place. */
static void refuse_rule(const struct convert_line *r, const struct command *cmd,
                        struct convert_chain *c, size_t at, const char *why)
{
	struct convert_rule rule = { .file = r->file, .line = r->line, .effect = find_effect(cmd) };

	convert_left_out(r->cv, r->file, r->line, "%s", why);
	rule.refused = strdup(r->text);
	if (rule.refused == NULL || convert_rule_insert(c, at, &rule) != 0) {
		convert_rule_fini(&rule);
		r->cv->no_memory = true;
	}
}

/* Converts the words from first on. Returns the number of rules; 0 with why set if refused. */
static size_t make_rules(const struct convert_line *r, const struct command *cmd, size_t first,
                         struct convert_rule out[CONVERT_RULES_MAX], char why[CONVERT_WHY_SIZE])
{
	struct rule_parser p = {
		.family = cmd->family,
		.cv = r->cv,
		.sets = &r->cv->table[cmd->family],
		.word = cmd->word + first,
		.len = cmd->len - first,
	};
	size_t made = convert_rule_make(&p, out);

	memcpy(why, p.why, CONVERT_WHY_SIZE);
	if (made == 0) {
		r->cv->no_memory |= why[0] == '\0';
		return 0;
	}
	if (p.note != NULL) {
		convert_note(r->cv, r->file, r->line, "%s", p.note);
	}
	for (size_t i = 0; i < made; i++) {
		out[i].file = r->file;
		out[i].line = r->line;
	}
	return made;
}

static void add_rule(const struct convert_line *r, const struct command *cmd,
                     struct convert_chain *c, size_t at, size_t first)
{
	struct convert_rule rules[CONVERT_RULES_MAX];
	char why[CONVERT_WHY_SIZE];
	size_t made = make_rules(r, cmd, first, rules, why);

	if (made == 0) {
		refuse_rule(r, cmd, c, at, why);
		return;
	}
	for (size_t i = 0; i < made; i++) {
		if (convert_rule_insert(c, at + i, &rules[i]) != 0) {
			convert_rule_fini(&rules[i]);
			r->cv->no_memory = true;
		}
	}
}

static bool is_same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void remove_rules(struct convert_chain *c, size_t at, size_t len)
{
	for (size_t i = at; i < at + len; i++) {
		convert_rule_fini(&c->rules[i]);
	}
	memmove(&c->rules[at], &c->rules[at + len], (c->rules_len - at - len) * sizeof(*c->rules));
	c->rules_len -= len;
}

/* -D CHAIN RULE: deletes the first equal rule. */
static void delete_rule(const struct convert_line *r, const struct command *cmd,
                        struct convert_chain *c, size_t first)
{
	struct convert_rule rules[CONVERT_RULES_MAX];
	char why[CONVERT_WHY_SIZE];
	size_t made = make_rules(r, cmd, first, rules, why);
	bool is_found = false;

	for (size_t at = 0; made > 0 && !is_found && at + made <= c->rules_len; at++) {
		const struct convert_rule *old = &c->rules[at];

		if (old->refused == NULL && is_same_text(old->source, rules[0].source) &&
		    strcmp(old->matches, rules[0].matches) == 0 &&
		    strcmp(old->action, rules[0].action) == 0) {
			is_found = true;
			remove_rules(c, at, made);
		}
	}
	if (made == 0) {
		convert_problem(r->cv, r->file, r->line, "%s", why);
	} else if (!is_found) {
		convert_problem(r->cv, r->file, r->line, "no rule to delete matches");
	}
	for (size_t i = 0; i < made; i++) {
		convert_rule_fini(&rules[i]);
	}
}

/* True if each iptables rule is one rule here, so that rule numbers agree. */
static bool has_plain_numbers(const struct convert_chain *c)
{
	for (size_t i = 1; i < c->rules_len; i++) {
		if (c->rules[i].file == c->rules[i - 1].file &&
		    c->rules[i].line == c->rules[i - 1].line) {
			return false;
		}
	}
	return true;
}

static void run_on_rules(const struct convert_line *r, const struct command *cmd, char letter,
                         struct convert_chain *c)
{
	const size_t first = cmd->at + 2;
	uint32_t number;
	bool has_number = cmd->len > first && convert_number(cmd->word[first], UINT32_MAX, &number);

	if (has_number && letter != 'A' &&
	    (number == 0 || number > c->rules_len + (letter == 'I' ? 1u : 0u) ||
	     !has_plain_numbers(c))) {
		convert_problem(
			r->cv, r->file, r->line,
			"rule number %u does not exist, or is ambiguous: a rule above it has "
			"become two",
			number);
		return;
	}
	switch (letter) {
	case 'A':
		add_rule(r, cmd, c, c->rules_len, first);
		break;
	case 'I':
		add_rule(r, cmd, c, has_number ? number - 1 : 0, first + (has_number ? 1 : 0));
		break;
	default:
		if (has_number) {
			remove_rules(c, number - 1, 1);
			break;
		}
		delete_rule(r, cmd, c, first);
	}
}

static void run_policy(const struct convert_line *r, const struct command *cmd,
                       struct convert_chain *c)
{
	const char *policy = cmd->at + 2 < cmd->len ? cmd->word[cmd->at + 2] : "";

	if (c->hook < 0 || (strcmp(policy, "ACCEPT") != 0 && strcmp(policy, "DROP") != 0)) {
		convert_problem(r->cv, r->file, r->line, "chain %.40s cannot have policy \"%.20s\"",
		                c->name, policy);
		return;
	}
	c->policy_is_drop = strcmp(policy, "DROP") == 0;
}

static void flush_chains(struct convert_table *t, struct convert_chain *c)
{
	if (c != NULL) {
		convert_chain_flush(c);
		return;
	}
	for (size_t i = 0; i < t->chains_len; i++) {
		convert_chain_flush(&t->chains[i]);
	}
}

/* The letter of a command of iptables; 0 = not a command. */
static char command_letter(const char *word)
{
	static const struct {
		const char *name;
		char letter;
	} commands[] = {
		{ "--append", 'A' }, { "--insert", 'I' },       { "--delete", 'D' },
		{ "--policy", 'P' }, { "--new-chain", 'N' },    { "--new", 'N' },
		{ "--flush", 'F' },  { "--delete-chain", 'X' }, { "--zero", 'Z' },
		{ "--list", 'L' },   { "--list-rules", 'S' },   { "--replace", 'R' },
		{ "--check", 'C' },  { "--rename-chain", 'E' }, { "--version", 'V' },
	};

	if (word[0] == '-' && word[1] != '\0' && word[2] == '\0') {
		return strchr("AIDPNFXZLSRCEV", word[1]) != NULL ? word[1] : '\0';
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, word) == 0) {
			return commands[i].letter;
		}
	}
	return '\0';
}

static void run_command(const struct convert_line *r, const struct command *cmd, char letter)
{
	struct convert_table *t = &r->cv->table[cmd->family];
	const char *name = cmd->at + 1 < cmd->len ? cmd->word[cmd->at + 1] : NULL;
	struct convert_chain *c = name != NULL ? convert_chain_find(t, name) : NULL;

	t->is_given = true;
	if (letter == 'N') {
		if (name == NULL || *name == '\0' || c != NULL) {
			convert_problem(r->cv, r->file, r->line,
			                "chain \"%.40s\" exists already, or has no name",
			                name != NULL ? name : "");
		} else if (convert_chain_add(t, name) == NULL) {
			r->cv->no_memory = true;
		}
		return;
	}
	if (c == NULL && (name != NULL || strchr("AIDP", letter) != NULL)) {
		convert_problem(r->cv, r->file, r->line, "no chain \"%.40s\" in table filter",
		                name != NULL ? name : "");
		return;
	}
	switch (letter) {
	case 'P':
		run_policy(r, cmd, c);
		break;
	case 'F':
		flush_chains(t, c);
		break;
	case 'X':
		r->cv->no_memory |= !convert_chains_remove(t, c);
		break;
	default:
		run_on_rules(r, cmd, letter, c);
	}
}

static bool is_word(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* -4 and -6 restrict a rule to one family. */
static bool is_for_other_family(const struct command *cmd)
{
	for (size_t i = 0; i < cmd->len; i++) {
		const char *word = cmd->word[i];

		if (i > 0 && is_word(cmd->word[i - 1], "--comment", "--log-prefix")) {
			continue;
		}
		if (is_word(word, cmd->family == CONVERT_IP ? "-6" : "-4",
		            cmd->family == CONVERT_IP ? "--ipv6" : "--ipv4")) {
			return true;
		}
	}
	return false;
}

/* Options that may precede "-A CHAIN". */
static bool is_prelude(const char *word)
{
	uint32_t seconds;

	return is_word(word, "-w", "--wait") || is_word(word, "-4", "-6") ||
	       is_word(word, "--ipv4", "--ipv6") || convert_number(word, UINT32_MAX, &seconds);
}

/* True for rules of the hook rules' chains, and for jumps to them. */
static bool is_own(const struct convert_line *r, const struct command *cmd)
{
	for (size_t i = cmd->at + 1; i < cmd->len; i++) {
		const char *before = cmd->word[i - 1];

		if ((i == cmd->at + 1 || is_word(before, "-j", "--jump") ||
		     is_word(before, "-g", "--goto")) &&
		    convert_chain_is_own(cmd->word[i])) {
			convert_own_chain(r);
			return true;
		}
	}
	return false;
}

void convert_command(const struct convert_line *r, enum convert_family family, const char *table,
                     const struct convert_words *words, size_t first)
{
	struct command cmd = { .family = family, .table = table };
	char letter = '\0';

	for (size_t i = first; i < words->len; i++) {
		const char *word = words->word[i];

		if (letter == '\0' && (strcmp(word, "-t") == 0 || strcmp(word, "--table") == 0) &&
		    i + 1 < words->len) {
			cmd.table = words->word[++i];
			continue;
		}
		if (letter == '\0') {
			letter = command_letter(word);
			cmd.at = cmd.len;
		}
		cmd.word[cmd.len++] = word;
	}
	for (size_t i = 0; letter != '\0' && i < cmd.at; i++) {
		if (!is_prelude(cmd.word[i])) {
			convert_problem(r->cv, r->file, r->line, "\"%.40s\" before the command",
			                cmd.word[i]);
			return;
		}
	}
	if (letter == '\0') {
		convert_problem(r->cv, r->file, r->line, "missing command, such as -A or -P");
		return;
	}
	if (strchr("RCE", letter) != NULL) {
		convert_problem(r->cv, r->file, r->line,
		                "-%c is not converted: run the script, then convert the output of "
		                "iptables-save",
		                letter);
		return;
	}
	if (strchr("ZLSV", letter) != NULL) {
		return;
	}
	if (!is_filter(cmd.table)) {
		convert_kernel_rule(r, cmd.table, letter == 'A' || letter == 'I' ? 1 : 0);
		if (letter == 'A' && strcmp(cmd.table, "raw") == 0 && !is_for_other_family(&cmd)) {
			convert_raw_rule(r, family, cmd.word + cmd.at, cmd.len - cmd.at);
		}
		return;
	}
	if (!is_for_other_family(&cmd) && !is_own(r, &cmd)) {
		run_command(r, &cmd, letter);
	}
}
