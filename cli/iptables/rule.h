/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule: the words behind -A CHAIN, and what they say in the language.
 */
#ifndef FINWALL_CLI_IPTABLES_RULE_H
#define FINWALL_CLI_IPTABLES_RULE_H

#include "iptables/convert.h"

#define CONVERT_WHY_SIZE 160

/* A rule that is being translated. */
struct convert_job {
	/* set by the caller */
	enum convert_family family;
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
	struct convert_action {
		char *log_prefix;
		char log_level[8];
		const struct convert_reject *reject;
		uint32_t mark;
		bool has_mark;
	} action;

	/* outcome */
	const char *note;           /* what is said a little differently; NULL */
	char why[CONVERT_WHY_SIZE]; /* why it cannot be said; "" = it can */
};

/* Most rules become one; those with --ports two. */
#define CONVERT_RULES_MAX 2

/*
 * Translates. Returns how many rules it made in out, the caller's to free; 0 with job->why set when
 * it cannot, or with job->why "" when memory ran out.
 */
size_t convert_rule_make(struct convert_job *job, struct convert_rule out[CONVERT_RULES_MAX]);

/* The parts that know options: each takes the option at job->at and the words that belong to it,
 * and returns false when it does not know it. What is wrong with it they say by convert_cannot().
 */
bool convert_match_option(struct convert_job *job, const char *option);
bool convert_target_option(struct convert_job *job, const char *option);

/* The target's text in a table of the family, and in a table inet (NULL: not to be said there).
 * Returns false when it cannot be said, or memory ran out. */
bool convert_target_text(struct convert_job *job, char **text, char **inet_text, bool *is_final,
                         bool *is_chain);

/* True for the modules that are known; the others are refused by name. */
bool convert_module_is_known(const char *name);

/* True for targets of iptables that the language has nothing like. */
bool convert_target_is_foreign(const char *name);

/* The next word, or NULL and a refusal. */
const char *convert_argument(struct convert_job *job);
void convert_cannot(struct convert_job *job, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "123", "0x7b", at most max. */
bool convert_number(const char *text, uint32_t max, uint32_t *out);

#endif
