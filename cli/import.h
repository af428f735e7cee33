/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of iptables and ip6tables, and what becomes of them in finwall's language.
 *
 * Text in, text out. What cannot be said in the language is said to be so, line by line, and
 * counted; it never gets lost silently.
 */
#ifndef FINWALL_CLI_IMPORT_H
#define FINWALL_CLI_IMPORT_H

#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum import_family {
	IMPORT_IP,
	IMPORT_IP6,
	IMPORT_FAMILIES_LEN,
	IMPORT_ANY = IMPORT_FAMILIES_LEN, /* not known before the text says */
};

/* What a rule asks of its chain, checked when all chains are known. */
enum import_need {
	NEED_IIF = 1, /* it negates -i: wrong where packets have no incoming interface */
	NEED_OIF = 2,
};

/* Stands for the number of a rule's own set. */
#define IMPORT_SET_NR '\001'

/* A rule in the language. Texts are malloc'd. */
struct import_rule {
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
	bool has_set;       /* it counts by address: IMPORT_SET_NR in matches becomes a number */
	unsigned needs;     /* enum import_need */
	const char *file;
	unsigned line;
};

struct import_chain {
	char *name; /* as iptables has it */
	char *said; /* as the language has it; set before writing */
	int hook;   /* enum hook, -1 = not a base chain */
	bool policy_is_drop;
	struct import_rule *rules;
	size_t rules_len;
	size_t rules_size;
};

struct import_table {
	bool is_given; /* some line spoke of this family */
	struct import_chain *chains;
	size_t chains_len;
	size_t chains_size;
	size_t last_found;
};

struct import {
	struct import_table table[IMPORT_FAMILIES_LEN];
	FILE *say;         /* where problems and notes go */
	unsigned problems; /* lines that could not be expressed */
	bool is_short;     /* memory ran out */
};

/* Sets up a state with the three base chains of each family. say stays the caller's. */
void import_init(struct import *im, FILE *say);
void import_fini(struct import *im);

/*
 * Takes in a file's text, which is written over. name is for messages and must outlive im. family:
 * IMPORT_ANY lets the text, then the name, decide.
 */
void import_read(struct import *im, const char *name, char *text, size_t size,
                 enum import_family family);

/*
 * Checks what only the whole shows, then writes the configuration. Returns malloc'd text, NULL when
 * memory runs out. problems is final then.
 */
char *import_write(struct import *im);

/* Says FILE:LINE: and the rest; a problem is counted, a note is not. */
void import_problem(struct import *im, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void import_note(struct import *im, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Chains by iptables' name; add returns NULL when memory runs out. */
struct import_chain *import_chain_find(struct import_table *t, const char *name);
struct import_chain *import_chain_add(struct import_table *t, const char *name);
void import_chain_flush(struct import_chain *c);

/* Puts the rule, whose memory it takes over, at a place in the chain. Returns 0 or -ENOMEM. */
int import_rule_insert(struct import_chain *c, size_t at, const struct import_rule *rule);
void import_rule_fini(struct import_rule *rule);

/* "%s"-like, malloc'd; NULL when memory runs out. */
char *import_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
