/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of iptables and ip6tables, and what becomes of them in finwall's language.
 *
 * Text in, text out. What cannot be said in the language is said to be so, line by line, and
 * counted; it never gets lost silently.
 */
#ifndef FINWALL_CLI_IPTABLES_CONVERT_H
#define FINWALL_CLI_IPTABLES_CONVERT_H

#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum convert_family {
	CONVERT_IP,
	CONVERT_IP6,
	CONVERT_FAMILIES_LEN,
	CONVERT_ANY = CONVERT_FAMILIES_LEN, /* not known before the text says */
};

/* What a rule asks of its chain, checked when all chains are known. */
enum convert_need {
	NEED_IIF = 1, /* it negates -i: wrong where packets have no incoming interface */
	NEED_OIF = 2,
};

/* Stands for the number of a rule's own set. */
#define CONVERT_SET_NR '\001'

/* A rule in the language. Texts are malloc'd. */
struct convert_rule {
	char *source;      /* the one address or prefix of -s, NULL without; not in matches */
	char *matches;     /* "tcp dport 22 ct state new", may be "" */
	char *action;      /* "accept", "log prefix \"x\"", "jump x"; "" with target only */
	char *inet_action; /* the same in a table inet, NULL where there is no such thing */
	char *comment;     /* NULL without */
	char *refused;     /* the line as it was, when it could not be translated; NULL otherwise */
	const char *target; /* name of the chain to go to, as iptables has it; in action's memory */
	bool is_jump;       /* jump, not goto */
	bool is_final;      /* nothing behind it sees the packet */
	bool is_of_family;  /* its matches or rate are of one family only */
	bool is_rated;      /* it has a limit, or counts connections */
	bool has_set;       /* it counts by address: CONVERT_SET_NR in matches becomes a number */
	unsigned needs;     /* enum convert_need */
	const char *file;
	unsigned line;
};

struct convert_chain {
	char *name; /* as iptables has it */
	char *said; /* as the language has it; set before writing */
	int hook;   /* enum hook, -1 = not a base chain */
	bool policy_is_drop;
	struct convert_rule *rules;
	size_t rules_len;
	size_t rules_size;
};

struct convert_table {
	bool is_given; /* some line spoke of this family */
	struct convert_chain *chains;
	size_t chains_len;
	size_t chains_size;
	size_t last_found;
};

struct convert {
	struct convert_table table[CONVERT_FAMILIES_LEN];
	FILE *say;         /* where problems and notes go */
	unsigned problems; /* lines that could not be expressed */
	bool is_short;     /* memory ran out */
};

/* Sets up a state with the three base chains of each family. say stays the caller's. */
void convert_init(struct convert *im, FILE *say);
void convert_fini(struct convert *im);

/*
 * Takes in a file's text, which is written over. name is for messages and must outlive im. family:
 * CONVERT_ANY lets the text, then the name, decide.
 */
void convert_read(struct convert *im, const char *name, char *text, size_t size,
                  enum convert_family family);

/*
 * Checks what only the whole shows, then writes the configuration. Returns malloc'd text, NULL when
 * memory runs out. problems is final then.
 */
char *convert_write(struct convert *im);

/* Says FILE:LINE: and the rest; a problem is counted, a note is not. */
void convert_problem(struct convert *im, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void convert_note(struct convert *im, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Chains by iptables' name; add returns NULL when memory runs out. */
struct convert_chain *convert_chain_find(struct convert_table *t, const char *name);
struct convert_chain *convert_chain_add(struct convert_table *t, const char *name);
void convert_chain_flush(struct convert_chain *c);

/* Puts the rule, whose memory it takes over, at a place in the chain. Returns 0 or -ENOMEM. */
int convert_rule_insert(struct convert_chain *c, size_t at, const struct convert_rule *rule);
void convert_rule_fini(struct convert_rule *rule);

/* "%s"-like, malloc'd; NULL when memory runs out. */
char *convert_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
