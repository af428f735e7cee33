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

/*
 * Placeholders in matches, replaced when all rules are known: the number of the rule's own set; the
 * limit of --hitcount; and, each twice around 's' or 'd' and the name of a list of recent, the
 * statements that add to all its sets, refresh or delete in them.
 */
#define CONVERT_SET_NR      '\001'
#define CONVERT_HITS        '\002'
#define CONVERT_LIST_SET    '\003'
#define CONVERT_LIST_UPDATE '\004'
#define CONVERT_LIST_DELETE '\005'

/* --hitcount and --seconds of a rule; number 0: none. */
struct convert_hits {
	uint32_t number;
	uint32_t seconds;
	uint32_t burst;   /* of the limit; set by convert_recent_resolve() */
	const char *list; /* borrowed from a set of the table */
};

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
	struct convert_hits hits;
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

/* A named set. Texts are malloc'd. */
struct convert_set {
	char *name;     /* as given */
	char *new_name; /* in the configuration language */
	char *type;
	char *list;       /* of recent; NULL = none */
	char *elements;   /* NULL = none */
	uint32_t seconds; /* timeout of added elements; 0 = none */
	uint32_t size;    /* 0 = default */
	bool is_dynamic;  /* elements carry a limit */
	bool is_added_to; /* by packets */
	bool has_intervals;
	bool has_timeouts;
};

struct convert_table {
	bool is_given; /* the input has lines for this family */
	struct convert_chain *chains;
	size_t chains_len;
	size_t chains_size;
	uint32_t *index; /* chains by the hash of their names: number + 1, 0 = free */
	size_t index_size;
	struct convert_set *sets;
	size_t sets_len;
	size_t sets_size;
};

/* A set of ipset, read from "ipset save". Texts are malloc'd. */
struct convert_ipset {
	char *name;
	char *type; /* "hash:net,port" */
	char *elements;
	char *why; /* it cannot be converted; NULL = it can */
	uint32_t seconds;
	uint32_t netmask; /* 0 = none */
	bool is_ip6;
	bool has_timeouts;
};

/* The line of input of which a line of the configuration was made. */
struct convert_origin {
	unsigned written; /* its number in the configuration */
	const char *file;
	unsigned line;
};

#define CONVERT_RAW_LEN 2 /* PREROUTING, OUTPUT */

struct convert {
	struct convert_table table[CONVERT_FAMILIES_LEN];
	struct convert_chain raw[CONVERT_FAMILIES_LEN][CONVERT_RAW_LEN];
	bool has_notrack[CONVERT_FAMILIES_LEN]; /* a rule of raw */
	struct convert_ipset *ipsets;
	size_t ipsets_len;
	size_t ipsets_size;
	struct convert_origin *origins; /* of the rules, in the order of the configuration */
	size_t origins_len;
	size_t origins_size;
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

/* Reads the sets in a text of "ipset save"; other lines are skipped. Before convert_read(). */
void convert_read_ipsets(struct convert *cv, const char *text, size_t size);

/*
 * Checks the rules across chains, then writes the configuration. Returns malloc'd text, or NULL if
 * memory runs out. Afterwards cv->problems and cv->unsafe are final.
 */
char *convert_write(struct convert *cv);

/* The origin of a line of the configuration; NULL if it was made of several. */
const struct convert_origin *convert_origin(const struct convert *cv, unsigned written);

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
struct convert_chain *convert_chain_find(const struct convert_table *t, const char *name);
struct convert_chain *convert_chain_add(struct convert_table *t, const char *name);
void convert_chain_flush(struct convert_chain *c);

/* Removes chains without rules that are not base chains: all of them, or one. Returns false if
 * memory runs out. */
bool convert_chains_remove(struct convert_table *t, const struct convert_chain *only);

/* Inserts a rule and takes ownership of its texts. Returns 0, or -ENOMEM and takes nothing. */
int convert_rule_insert(struct convert_chain *c, size_t at, const struct convert_rule *rule);
void convert_rule_fini(struct convert_rule *rule);

/* Replaces a rule by a comment and reports why. */
void convert_rule_refuse(struct convert *cv, struct convert_rule *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* True if the rule's action drops packets. */
bool convert_rule_drops(const struct convert_rule *rule);

/* Makes space for one more element of an array. Returns false if memory runs out. */
bool convert_grow(void **array, size_t len, size_t *size, size_t element);

/* A name in the configuration language has letters, digits and "_": returns c, or '_'. */
char convert_name_char(char c);

/* True if the parser accepts the name; keywords are not valid names. */
bool convert_name_is_valid(const char *name);

/* Formats a malloc'd text; NULL if memory runs out. */
char *convert_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
