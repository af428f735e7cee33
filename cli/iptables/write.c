/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the configuration: one table inet if both families have the same rules, otherwise a table
 * for each. Consecutive rules that differ only in the source address become one rule with a set,
 * whose lookup is O(log n).
 */
#include "iptables/recent.h"
#include "iptables/sets.h"
#include "iptables/whole.h"

#include <stdlib.h>
#include <string.h>

/* More sources than this become a named set. */
#define INLINE_MAX 8
/* Fewer consecutive rules are not joined. */
#define RUN_MIN 3

/* The table being written. */
struct writer {
	struct convert *cv;
	FILE *f;
	char **text; /* what f has written, after fflush() */
	size_t *size;
	size_t read; /* bytes of it of which the lines are counted */
	unsigned line;
	struct convert_table *table;
	const char *header; /* "ip" or "ip6" */
	bool is_inet;
	unsigned sets_len;
	unsigned counters_len; /* sets that count connections */
};

static bool families_agree(struct convert *cv);
static void write_table(struct writer *w, const char *family);
static void write_raw(struct writer *w, const struct convert_chain chains[CONVERT_RAW_LEN]);

char *convert_write(struct convert *cv)
{
	char *text = NULL;
	size_t size = 0;
	struct writer w = { .cv = cv, .text = &text, .size = &size, .line = 1 };

	for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
		convert_check(cv, &cv->table[i]);
		cv->no_memory |= !convert_name_chains(&cv->table[i]);
	}
	w.f = open_memstream(&text, &size);
	if (w.f == NULL || cv->no_memory) {
		if (w.f != NULL) {
			fclose(w.f);
		}
		free(text);
		return NULL;
	}
	fputs("# Converted from iptables.\n", w.f);
	if (families_agree(cv)) {
		w.table = &cv->table[CONVERT_IP];
		w.is_inet = true;
		write_table(&w, "inet");
	} else {
		for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
			if (cv->table[i].is_given) {
				w.table = &cv->table[i];
				w.header = i == CONVERT_IP ? "ip" : "ip6";
				write_table(&w, w.header);
			}
		}
	}
	for (size_t i = 0; i < CONVERT_FAMILIES_LEN; i++) {
		w.table = &cv->table[i];
		w.header = i == CONVERT_IP ? "ip" : "ip6";
		w.is_inet = false;
		if (cv->has_notrack[i]) {
			write_raw(&w, cv->raw[i]);
		}
	}
	if (fclose(w.f) != 0 || cv->no_memory) {
		free(text);
		return NULL;
	}
	return text;
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

/* True if one table inet can replace both. */
static bool families_agree(struct convert *cv)
{
	struct convert_table *a = &cv->table[CONVERT_IP];
	struct convert_table *b = &cv->table[CONVERT_IP6];

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

/* The number of rules from this one on that differ only in the source and can be joined. */
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

/* Writes the sets of this table, numbered in the order of the rules. */
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

static void write_refused(FILE *f, const struct convert_rule *r)
{
	const char *line = r->refused;

	fputs(r->is_unsafe ? "\t\t# not converted, decides about packets: "
	                   : "\t\t# not converted: ",
	      f);
	for (; *line != '\0'; line++) {
		fputc((unsigned char)*line < ' ' || *line == '\\' ? ' ' : *line, f);
	}
	fputc('\n', f);
}

/* Writes the statements for a list of recent: "s" or "d", its name. Returns the placeholder's end.
 */
static const char *write_list(const struct writer *w, const char *at)
{
	const char *end = strchrnul(at + 1, *at);
	const char *statement = *at == CONVERT_LIST_DELETE ? "delete" : "update";
	char field[16];

	snprintf(field, sizeof(field), "%s %caddr", w->header, at[1]);
	convert_sets_of_list(w->table, at + 2, (size_t)(end - at) - 2, statement, field, w->f);
	/* the statements end with a blank */
	return *end != '\0' && end[1] == ' ' ? end + 1 : end;
}

static void write_matches(struct writer *w, const struct convert_rule *r)
{
	for (const char *at = r->matches; *at != '\0'; at++) {
		switch (*at) {
		case CONVERT_SET_NR:
			fprintf(w->f, "%u", ++w->counters_len);
			break;
		case CONVERT_HITS:
			convert_recent_write_limit(&r->hits, w->f);
			break;
		case CONVERT_LIST_SET:
		case CONVERT_LIST_UPDATE:
		case CONVERT_LIST_DELETE:
			at = write_list(w, at);
			if (*at == '\0' || at[1] == '\0') {
				/* the last match: there is a blank already */
				return;
			}
			break;
		default:
			fputc(*at, w->f);
		}
	}
	fputs(r->matches[0] != '\0' ? " " : "", w->f);
}

/* Notes where the next line comes from. */
static void note_origin(struct writer *w, const struct convert_rule *r)
{
	struct convert *cv = w->cv;

	fflush(w->f);
	for (; w->read < *w->size; w->read++) {
		w->line += (*w->text)[w->read] == '\n' ? 1 : 0;
	}
	if (!convert_grow((void **)&cv->origins, cv->origins_len, &cv->origins_size,
	                  sizeof(*cv->origins))) {
		cv->no_memory = true;
		return;
	}
	cv->origins[cv->origins_len++] =
		(struct convert_origin){ .written = w->line, .file = r->file, .line = r->line };
}

const struct convert_origin *convert_origin(const struct convert *cv, unsigned written)
{
	for (size_t i = 0; i < cv->origins_len; i++) {
		if (cv->origins[i].written == written) {
			return &cv->origins[i];
		}
	}
	return NULL;
}

/* Writes the rule, joined with those after it if possible. Returns the number of rules. */
static size_t write_rules(struct writer *w, const struct convert_chain *c, size_t at)
{
	const struct convert_rule *r = &c->rules[at];
	const size_t len = run_len(c, at);
	const struct convert_chain *to;

	note_origin(w, r);
	if (r->refused != NULL) {
		write_refused(w->f, r);
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
		fprintf(w->f, "%s %s", r->is_jump ? "jump" : "goto", to->new_name);
	} else {
		fputs(w->is_inet ? r->inet_action : r->action, w->f);
	}
	if (r->comment != NULL) {
		fprintf(w->f, " comment \"%s\"", r->comment);
	}
	fputc('\n', w->f);
	return len;
}

/* Table raw, as far as it decides what is tracked. Its name is another one, because iptables may
 * have its table in nft, too. */
static void write_raw(struct writer *w, const struct convert_chain chains[CONVERT_RAW_LEN])
{
	static const char *const hooks[CONVERT_RAW_LEN] = { "prerouting", "output" };

	fprintf(w->f, "\ntable %s untracked {\n", w->header);
	for (size_t i = 0; i < CONVERT_RAW_LEN; i++) {
		if (chains[i].rules_len == 0) {
			continue;
		}
		fprintf(w->f,
		        "\tchain %s {\n\t\ttype filter hook %s priority raw; policy accept;\n",
		        hooks[i], hooks[i]);
		for (size_t k = 0; k < chains[i].rules_len;) {
			k += write_rules(w, &chains[i], k);
		}
		fputs("\t}\n", w->f);
	}
	fputs("}\n", w->f);
}

static void write_table(struct writer *w, const char *family)
{
	w->sets_len = 0;
	w->counters_len = 0;
	fprintf(w->f, "\ntable %s filter {\n", family);
	if (!w->is_inet) {
		write_sets(w);
		convert_sets_write(w->table, w->f);
	}
	for (size_t i = 0; i < w->table->chains_len; i++) {
		const struct convert_chain *c = &w->table->chains[i];

		fprintf(w->f, "\tchain %s {\n", c->new_name);
		if (c->hook >= 0) {
			/* also without rules: the tracker must see both directions */
			fprintf(w->f, "\t\ttype filter hook %s priority filter; policy %s;\n",
			        c->new_name, c->policy_is_drop ? "drop" : "accept");
		}
		for (size_t k = 0; k < c->rules_len;) {
			k += write_rules(w, c, k);
		}
		fputs("\t}\n", w->f);
	}
	fputs("}\n", w->f);
}
