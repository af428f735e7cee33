/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes what was read in the language: one table inet where both families have the same rules,
 * otherwise a table for each. Runs of rules that differ in the source alone become one rule with a
 * set, which is found in a few steps instead of one by one.
 */
#include "iptables/convert.h"

#include <finwall/config.h>

#include <stdlib.h>
#include <string.h>

/* More sources than this get a set with a name. */
#define INLINE_MAX 8
/* Fewer are left as they are. */
#define RUN_MIN 3

static const char *const hook_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "input",
	[HOOK_FORWARD] = "forward",
	[HOOK_OUTPUT] = "output",
};

/* A table that is being written. */
struct writer {
	FILE *f;
	struct convert_table *table;
	const char *header; /* "ip" or "ip6" */
	bool is_inet;
	unsigned sets_len;
	unsigned counters_len; /* sets that count connections */
};

static void check_table(struct convert *im, struct convert_table *t);
static bool name_chains(struct convert_table *t);
static bool families_agree(struct convert *im);
static void write_table(struct writer *w, const char *family);

char *convert_write(struct convert *im)
{
	struct writer w = { 0 };
	char *text = NULL;
	size_t size;

	for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
		check_table(im, &im->table[i]);
		im->is_short |= !name_chains(&im->table[i]);
	}
	w.f = open_memstream(&text, &size);
	if (w.f == NULL || im->is_short) {
		if (w.f != NULL) {
			fclose(w.f);
		}
		free(text);
		return NULL;
	}
	fputs("# Imported from iptables.\n", w.f);
	if (families_agree(im)) {
		w.table = &im->table[CONVERT_IP];
		w.is_inet = true;
		write_table(&w, "inet");
	} else {
		for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
			if (im->table[i].is_given) {
				w.table = &im->table[i];
				w.header = i == CONVERT_IP ? "ip" : "ip6";
				write_table(&w, w.header);
			}
		}
	}
	if (fclose(w.f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Turns a rule that cannot stand into a comment that says so. */
static void refuse(struct convert *im, struct convert_rule *rule, const char *why, const char *what)
{
	struct convert_rule refused = { .file = rule->file, .line = rule->line };

	convert_problem(im, rule->file, rule->line, "%s%s", why, what);
	refused.refused = convert_text("%s%s%s%s%s", rule->source != NULL ? rule->source : "",
	                               rule->source != NULL ? " " : "", rule->matches,
	                               rule->matches[0] != '\0' ? " " : "", rule->action);
	im->is_short |= refused.refused == NULL;
	convert_rule_fini(rule);
	*rule = refused;
}

/* The hooks that lead to each chain, as bits. */
static void find_reach(struct convert_table *t, unsigned *reach)
{
	bool has_changed = true;

	for (size_t i = 0; i < t->chains_len; i++) {
		reach[i] = t->chains[i].hook >= 0 ? 1u << t->chains[i].hook : 0;
	}
	while (has_changed) {
		has_changed = false;
		for (size_t i = 0; i < t->chains_len; i++) {
			const struct convert_chain *c = &t->chains[i];

			for (size_t k = 0; k < c->rules_len; k++) {
				struct convert_chain *to =
					c->rules[k].target != NULL
						? convert_chain_find(t, c->rules[k].target)
						: NULL;
				unsigned *r = to != NULL ? &reach[to - t->chains] : NULL;

				if (r != NULL && (*r | reach[i]) != *r) {
					*r |= reach[i];
					has_changed = true;
				}
			}
		}
	}
}

static void check_rule(struct convert *im, struct convert_table *t, struct convert_rule *rule,
                       unsigned reach)
{
	const struct convert_chain *to;

	if (rule->target != NULL) {
		to = convert_chain_find(t, rule->target);
		if (to == NULL || to->hook >= 0) {
			refuse(im, rule, "there is no chain or target as in ", rule->action);
			return;
		}
	}
	/* iptables takes no interface for one with another name; finwall matches neither way */
	if ((rule->needs & NEED_IIF) != 0 && (reach & 1u << HOOK_OUTPUT) != 0) {
		refuse(im, rule,
		       "\"! -i\" where packets have no incoming interface has nothing like it", "");
	} else if ((rule->needs & NEED_OIF) != 0 && (reach & 1u << HOOK_INPUT) != 0) {
		refuse(im, rule,
		       "\"! -o\" where packets have no outgoing interface has nothing like it", "");
	}
}

static void check_table(struct convert *im, struct convert_table *t)
{
	unsigned *reach = calloc(t->chains_len + 1, sizeof(*reach));

	if (reach == NULL) {
		im->is_short = true;
		return;
	}
	find_reach(t, reach);
	for (size_t i = 0; i < t->chains_len; i++) {
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			check_rule(im, t, &t->chains[i].rules[k], reach[i]);
		}
	}
	free(reach);
}

/* One file in memory, for the parser to try a name on. */
static char *read_probe(void *ctx, const char *path, size_t *size)
{
	char *copy = strdup(ctx);

	(void)path;
	*size = copy != NULL ? strlen(copy) : 0;
	return copy;
}

/* The language's own parser knows which words it keeps for itself. */
static bool is_fit_for_name(const char *name)
{
	struct config_reader reader = { .read = read_probe };
	struct config *c;
	char *errors = NULL;

	reader.ctx = convert_text("table ip t { chain %s { } }", name);
	if (reader.ctx == NULL) {
		return false;
	}
	c = config_load("name", &reader, &errors);
	free(reader.ctx);
	free(errors);
	config_free(c);
	return c != NULL;
}

static bool is_taken(const struct convert_table *t, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(t->chains[i].said, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Not isalnum(): the language's letters are ASCII's, whatever the locale. */
static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A name of letters, digits and what is kept of the rest, beginning with a letter. */
static char *plain_name(const char *name, const char *kept)
{
	char *said = convert_text("%s%s", *name >= '0' && *name <= '9' ? "c" : "", name);

	for (char *s = said; s != NULL && *s != '\0'; s++) {
		if (!is_letter_or_digit(*s) && strchr(kept, *s) == NULL) {
			*s = '_';
		}
	}
	return said;
}

/* A name as it is, or as near to it as the language lets; NULL when memory runs out. */
static char *chain_name(const struct convert_table *t, size_t at)
{
	char *said = plain_name(t->chains[at].name, "-.");
	char *plain = plain_name(t->chains[at].name, "");

	for (unsigned nr = 2; said != NULL && (is_taken(t, at, said) || !is_fit_for_name(said));
	     nr++) {
		free(said);
		said = plain != NULL ? convert_text("%s_%u", plain, nr) : NULL;
	}
	free(plain);
	return said;
}

/* Base chains in lower case; they come first, so that no other takes their names. */
static bool name_chains(struct convert_table *t)
{
	for (size_t i = 0; i < t->chains_len; i++) {
		struct convert_chain *c = &t->chains[i];

		free(c->said);
		c->said = c->hook >= 0 ? strdup(hook_names[c->hook]) : chain_name(t, i);
		if (c->said == NULL) {
			return false;
		}
	}
	return true;
}

static bool rules_agree(const struct convert_rule *a, const struct convert_rule *b)
{
	return a->refused == NULL && b->refused == NULL && !a->is_of_family && !b->is_of_family &&
	       a->inet_action != NULL && b->inet_action != NULL &&
	       strcmp(a->matches, b->matches) == 0 && strcmp(a->inet_action, b->inet_action) == 0;
}

static bool chains_agree(const struct convert_chain *a, const struct convert_chain *b)
{
	if (a->rules_len != b->rules_len || a->policy_is_drop != b->policy_is_drop) {
		return false;
	}
	for (size_t i = 0; i < a->rules_len; i++) {
		if (!rules_agree(&a->rules[i], &b->rules[i])) {
			return false;
		}
	}
	return true;
}

/* True when one table says what both say. */
static bool families_agree(struct convert *im)
{
	struct convert_table *a = &im->table[CONVERT_IP];
	struct convert_table *b = &im->table[CONVERT_IP6];

	if (!a->is_given || !b->is_given || a->chains_len != b->chains_len) {
		return false;
	}
	for (size_t i = 0; i < a->chains_len; i++) {
		const struct convert_chain *other = convert_chain_find(b, a->chains[i].name);

		if (other == NULL || !chains_agree(&a->chains[i], other)) {
			return false;
		}
	}
	return true;
}

/* How many rules from this one on differ in the source alone, and can be one. */
static size_t run_len(const struct convert_chain *c, size_t at)
{
	const struct convert_rule *first = &c->rules[at];
	size_t len = 1;

	if (first->source == NULL || first->source[0] == '{' || !first->is_final ||
	    first->is_rated || first->comment != NULL) {
		return 1;
	}
	while (at + len < c->rules_len) {
		const struct convert_rule *r = &c->rules[at + len];

		if (r->source == NULL || r->source[0] == '{' || r->comment != NULL ||
		    strcmp(r->matches, first->matches) != 0 ||
		    strcmp(r->action, first->action) != 0) {
			break;
		}
		len++;
	}
	return len < RUN_MIN ? 1 : len;
}

static void write_elements(FILE *f, const struct convert_rule *rules, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		fprintf(f, "%s%s",
		        i == 0       ? ""
		        : i % 4 == 0 ? ",\n\t\t\t     "
		                     : ", ",
		        rules[i].source);
	}
}

/* The sets that the rules of this table will name, numbered in the order of the rules. */
static void write_sets(struct writer *w)
{
	unsigned counters = 0;
	unsigned nr = 0;

	for (size_t i = 0; i < w->table->chains_len; i++) {
		const struct convert_chain *c = &w->table->chains[i];

		for (size_t k = 0; k < c->rules_len;) {
			size_t len = run_len(c, k);

			if (c->rules[k].has_set) {
				fprintf(w->f,
				        "\tset connections_%u {\n\t\ttype %s\n"
				        "\t\tflags dynamic\n\t}\n",
				        ++counters,
				        w->header[2] == '6' ? "ipv6_addr" : "ipv4_addr");
			}
			if (len > INLINE_MAX) {
				fprintf(w->f,
				        "\tset sources_%u {\n\t\ttype %s\n\t\tflags interval\n"
				        "\t\tauto-merge\n\t\telements = { ",
				        ++nr, w->header[2] == '6' ? "ipv6_addr" : "ipv4_addr");
				write_elements(w->f, &c->rules[k], len);
				fputs(" }\n\t}\n", w->f);
			}
			k += len;
		}
	}
}

static void write_refused(FILE *f, const char *line)
{
	fputs("\t\t# not imported: ", f);
	for (; *line != '\0'; line++) {
		fputc((unsigned char)*line < ' ' || *line == '\\' ? ' ' : *line, f);
	}
	fputc('\n', f);
}

static void write_matches(struct writer *w, const struct convert_rule *r)
{
	for (const char *at = r->matches; *at != '\0'; at++) {
		if (*at == CONVERT_SET_NR) {
			fprintf(w->f, "%u", ++w->counters_len);
		} else {
			fputc(*at, w->f);
		}
	}
	fputs(r->matches[0] != '\0' ? " " : "", w->f);
}

/* Writes the rule, or as many of them as become one. Returns how many. */
static size_t write_rules(struct writer *w, const struct convert_chain *c, size_t at)
{
	const struct convert_rule *r = &c->rules[at];
	const size_t len = run_len(c, at);
	const struct convert_chain *to;

	if (r->refused != NULL) {
		write_refused(w->f, r->refused);
		return 1;
	}
	fputs("\t\t", w->f);
	if (len > INLINE_MAX) {
		fprintf(w->f, "%s saddr @sources_%u ", w->header, ++w->sets_len);
	} else if (len > 1) {
		fprintf(w->f, "%s saddr { ", w->header);
		write_elements(w->f, r, len);
		fputs(" } ", w->f);
	} else if (r->source != NULL) {
		fprintf(w->f, "%s saddr %s ", w->header, r->source);
	}
	write_matches(w, r);
	to = r->target != NULL ? convert_chain_find(w->table, r->target) : NULL;
	if (to != NULL) {
		fprintf(w->f, "%s %s", r->is_jump ? "jump" : "goto", to->said);
	} else {
		fputs(w->is_inet ? r->inet_action : r->action, w->f);
	}
	if (r->comment != NULL) {
		fprintf(w->f, " comment \"%s\"", r->comment);
	}
	fputc('\n', w->f);
	return len;
}

static void write_table(struct writer *w, const char *family)
{
	w->sets_len = 0;
	w->counters_len = 0;
	fprintf(w->f, "\ntable %s filter {\n", family);
	if (!w->is_inet) {
		write_sets(w);
	}
	for (size_t i = 0; i < w->table->chains_len; i++) {
		const struct convert_chain *c = &w->table->chains[i];

		fprintf(w->f, "\tchain %s {\n", c->said);
		if (c->hook >= 0) {
			/* a chain without rules too: the tracker has to see both directions */
			fprintf(w->f, "\t\ttype filter hook %s priority filter; policy %s;\n",
			        hook_names[c->hook], c->policy_is_drop ? "drop" : "accept");
		}
		for (size_t k = 0; k < c->rules_len;) {
			k += write_rules(w, c, k);
		}
		fputs("\t}\n", w->f);
	}
	fputs("}\n", w->f);
}
