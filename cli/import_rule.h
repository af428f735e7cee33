/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule: the words behind -A CHAIN, and what they say in the language.
 */
#ifndef FINWALL_CLI_IMPORT_RULE_H
#define FINWALL_CLI_IMPORT_RULE_H

#include "import.h"

#define IMPORT_WHY_SIZE 160

/* A rule that is being translated. */
struct import_job {
	/* set by the caller */
	enum import_family family;
	const char *const *word;
	size_t len;

	/* how far it is */
	size_t at;
	bool is_negated; /* a "!" was read for the next option */

	/* what stands before the matches of modules, whatever the order of the words */
	char *source;
	bool source_is_negated;
	char *destination;
	bool destination_is_negated;
	char iif[24]; /* "" without; a name or pattern in the language */
	char oif[24];
	bool iif_is_negated;
	bool oif_is_negated;
	int proto; /* 0 = any */
	bool proto_is_negated;
	bool proto_is_implied; /* a match on a field of its header was written */

	/* the matches of modules, in order */
	FILE *matches;
	bool has_limit;
	long limit_at; /* how much of matches stands before it */
	uint32_t limit_rate;
	char limit_unit[8];
	uint32_t limit_burst;
	bool has_count;
	bool count_is_first; /* it was named before the limit */
	long count_at;       /* how much of matches stands before it */
	uint32_t count_max;  /* UINT32_MAX: not said yet */
	bool count_is_upto;  /* matches up to that number, not above it */
	bool count_is_of_destination;
	uint32_t count_mask; /* UINT32_MAX: not said, a single address */
	char *either_ports;  /* --ports: source or destination; NULL without */

	/* what is done */
	char *comment;
	char *target; /* NULL = nothing but to count */
	bool is_goto;
	struct import_action {
		char *log_prefix;
		char log_level[8];
		const struct import_reject *reject;
		uint32_t mark;
		bool has_mark;
	} action;

	/* outcome */
	const char *note;          /* what is said a little differently; NULL */
	char why[IMPORT_WHY_SIZE]; /* why it cannot be said; "" = it can */
};

/* Most rules become one; those with --ports two. */
#define IMPORT_RULES_MAX 2

/*
 * Translates. Returns how many rules it made in out, the caller's to free; 0 with job->why set when
 * it cannot, or with job->why "" when memory ran out.
 */
size_t import_rule_make(struct import_job *job, struct import_rule out[IMPORT_RULES_MAX]);

/* The parts that know options: each takes the option at job->at and the words that belong to it,
 * and returns false when it does not know it. What is wrong with it they say by import_cannot(). */
bool import_match_option(struct import_job *job, const char *option);
bool import_target_option(struct import_job *job, const char *option);

/* The target's text in a table of the family, and in a table inet (NULL: not to be said there).
 * Returns false when it cannot be said, or memory ran out. */
bool import_target_text(struct import_job *job, char **text, char **inet_text, bool *is_final,
                        bool *is_chain);

/* True for the modules that are known; the others are refused by name. */
bool import_module_is_known(const char *name);

/* True for targets of iptables that the language has nothing like. */
bool import_target_is_foreign(const char *name);

/* The next word, or NULL and a refusal. */
const char *import_argument(struct import_job *job);
void import_cannot(struct import_job *job, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "123", "0x7b", at most max. */
bool import_number(const char *text, uint32_t max, uint32_t *out);

#endif
