/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts rules of iptables and ip6tables to the configuration language.
 *
 * Text in, text out. Each line that cannot be converted is reported and counted; none is dropped
 * silently.
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
	CONVERT_ANY = CONVERT_FAMILIES_LEN, /* the text decides, else the name of the file */
};

/* 4 or 6. */
static inline unsigned convert_ip_version(enum convert_family family)
{
	return family == CONVERT_IP ? 4 : 6;
}

/* Requirements of a rule on its chain, checked when all chains are known. */
enum convert_need {
	NEED_IIF = 1, /* negated -i: the chain's packets must have an incoming interface */
	NEED_OIF = 2, /* negated -o, likewise */
};

/* Placeholder in matches for the number of the rule's own set. */
#define CONVERT_SET_NR '\001'

/* What a rule that cannot be converted does with the packets that it matches. */
enum convert_effect {
	EFFECT_NONE,   /* it logs or counts, and the next rule is evaluated */
	EFFECT_MARKS,  /* likewise, but rules that match marks see another one */
	EFFECT_PASSES, /* accepts or returns, so that later rules do not see the packet; or unknown
	                */
	EFFECT_DROPS,
};

/* A rule in the configuration language. Texts are malloc'd. */
struct convert_rule {
	char *source;               /* address or prefix of -s, not in matches; NULL = none */
	char *matches;              /* "tcp dport 22 ct state new", may be "" */
	char *action;               /* "accept", "log prefix \"x\"", "jump x" */
	char *inet_action;          /* the same in a table inet; NULL = no equivalent */
	char *comment;              /* NULL = none */
	char *refused;              /* the original line, if it cannot be converted; else NULL */
	enum convert_effect effect; /* of a refused rule */
	bool is_unsafe;             /* refused, and without it other rules judge other packets */
	const char *target; /* chain of a jump or goto, named as in iptables; points into action */
	bool is_jump;       /* jump, not goto */
	bool is_final;      /* ends the evaluation of the chain */
	bool is_of_family;  /* its matches or rate are for one family only */
	bool is_rated;      /* has a limit, or counts connections */
	bool has_set;       /* counts by address: matches contains CONVERT_SET_NR */
	unsigned needs;     /* enum convert_need */
	const char *file;
	unsigned line;
};

struct convert_chain {
	char *name;     /* as in iptables */
	char *new_name; /* in the configuration language; set before writing */
	int hook;       /* enum hook, -1 = not a base chain */
	bool policy_is_drop;
	struct convert_rule *rules;
	size_t rules_len;
	size_t rules_size;
};

struct convert_table {
	bool is_given; /* the input has lines for this family */
	struct convert_chain *chains;
	size_t chains_len;
	size_t chains_size;
	size_t last_found;
};

struct convert {
	struct convert_table table[CONVERT_FAMILIES_LEN];
	FILE *messages;    /* for problems and notes */
	bool is_partial;   /* lines can be left out: print which of them decide */
	unsigned problems; /* lines that cannot be converted */
	unsigned unsafe;   /* of these, those without which packets are judged otherwise */
	bool no_memory;    /* memory has run out */
};

/* Begins with the three base chains of each family. Borrows messages until convert_fini(). */
void convert_init(struct convert *cv, FILE *messages);
void convert_fini(struct convert *cv);

/*
 * Reads the text of a file, which is overwritten. name is for messages and must outlive cv. With
 * CONVERT_ANY the text, then the name, decides the family.
 */
void convert_read(struct convert *cv, const char *name, char *text, size_t size,
                  enum convert_family family);

/*
 * Checks the rules across chains, then writes the configuration. Returns malloc'd text, or NULL if
 * memory runs out. Afterwards cv->problems and cv->unsafe are final.
 */
char *convert_write(struct convert *cv);

/*
 * Print FILE:LINE: and the text. A problem is counted, and is unsafe. convert_left_out(): the same
 * for a line whose absence changes nothing, or is judged later. A note is not counted.
 */
void convert_problem(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void convert_left_out(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void convert_note(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Chains, by their name in iptables. convert_chain_add() returns NULL if memory runs out. */
struct convert_chain *convert_chain_find(struct convert_table *t, const char *name);
struct convert_chain *convert_chain_add(struct convert_table *t, const char *name);
void convert_chain_flush(struct convert_chain *c);

/* Inserts a rule and takes ownership of its texts. Returns 0, or -ENOMEM and takes nothing. */
int convert_rule_insert(struct convert_chain *c, size_t at, const struct convert_rule *rule);
void convert_rule_fini(struct convert_rule *rule);

/* Formats a malloc'd text; NULL if memory runs out. */
char *convert_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
