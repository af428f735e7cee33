/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule: the words after -A CHAIN, parsed and written in the configuration language.
 */
#ifndef FINWALL_CLI_IPTABLES_RULE_H
#define FINWALL_CLI_IPTABLES_RULE_H

#include "iptables/convert.h"

#define CONVERT_WHY_SIZE 160

/* IFNAMSIZ: an interface name and its terminating zero. */
#define CONVERT_IFACE_SIZE 16

/* A rule being parsed. */
struct rule_parser {
	/* set by the caller */
	enum convert_family family;
	const char *const *word;
	size_t len;

	/* position */
	size_t at;
	bool is_negated; /* a "!" precedes the option */

	/* options that are written before the modules, whatever the order of the words */
	char *source;
	bool source_is_negated;
	char *destination;
	bool destination_is_negated;
	char iif[CONVERT_IFACE_SIZE]; /* name or pattern in the language; "" = none */
	char oif[CONVERT_IFACE_SIZE];
	bool iif_is_negated;
	bool oif_is_negated;
	int proto; /* 0 = any */
	bool proto_is_negated;
	bool proto_is_implied; /* by a match on its header */

	/* matches of modules, in order */
	FILE *matches;
	bool has_limit;
	long limit_at; /* bytes of matches before it */
	uint32_t limit_rate;
	char limit_unit[8];
	uint32_t limit_burst;
	bool has_count;
	bool count_is_first; /* named before the limit */
	long count_at;       /* bytes of matches before it */
	uint32_t count_max;  /* UINT32_MAX: not read yet */
	bool count_is_upto;  /* matches up to count_max, not above it */
	bool count_is_of_destination;
	uint32_t count_mask; /* UINT32_MAX: not given, a single address */
	char *either_ports;  /* --ports: source or destination; NULL = none */

	/* target */
	char *comment;
	char *target; /* NULL: only counts */
	bool is_goto;
	struct convert_action {
		char *log_prefix;
		char log_level[8];
		const struct convert_reject *reject;
		uint32_t mark;
		bool has_mark;
	} action;

	/* result */
	const char *note;           /* a difference in meaning, or NULL */
	char why[CONVERT_WHY_SIZE]; /* why the rule is refused; "" = it is not */
};

/* A rule with --ports becomes two, any other one. */
#define CONVERT_RULES_MAX 2

/*
 * Converts a rule. Returns the number of rules in out, which the caller frees. Returns 0 with
 * p->why set if the rule is refused, or with p->why "" if memory runs out.
 */
size_t convert_rule_make(struct rule_parser *p, struct convert_rule out[CONVERT_RULES_MAX]);

/*
 * Options, by kind. Each takes the option at p->at and its arguments, and returns false if it does
 * not know the option. Errors are reported with convert_refuse().
 */
bool convert_common_option(struct rule_parser *p, const char *option);
bool convert_conn_option(struct rule_parser *p, const char *option);
bool convert_match_option(struct rule_parser *p, const char *option);
bool convert_target_option(struct rule_parser *p, const char *option);

/* Writes rule nr of those that the parsed rule becomes; matches: text of its modules. Returns false
 * if it is refused, or memory runs out. */
bool convert_rule_text(struct rule_parser *p, const char *matches, unsigned nr,
                       struct convert_rule *out);

/* The target's text in a table of the family, and in a table inet (NULL: no equivalent). Returns
 * false if it is refused, or memory runs out. */
bool convert_target_text(struct rule_parser *p, char **text, char **inet_text, bool *is_final,
                         bool *is_chain);

/* True for the modules that can be converted. */
bool convert_module_is_known(const char *name);

/* True for targets of iptables without an equivalent in finwall. */
bool convert_target_is_unsupported(const char *name);

/* An option of a module, and its handler. */
struct convert_option {
	const char *name;
	void (*take)(struct rule_parser *p);
	bool can_be_negated;
};

/* Runs the handler of an option. Returns false if the table does not have it. */
bool convert_run_option(struct rule_parser *p, const char *option,
                        const struct convert_option *options, size_t len);

/* "!= " if the option is negated, else "". */
const char *convert_not(const struct rule_parser *p);

/* The argument of the option, or NULL after a refusal. */
const char *convert_argument(struct rule_parser *p);

/* Refuses the rule: sets p->why. */
void convert_refuse(struct rule_parser *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Reads "123", "0x7b" or "0173", at most max; the _n form reads the first size bytes. Return false
 * if the text is not such a number. */
bool convert_number(const char *text, uint32_t max, uint32_t *out);
bool convert_number_n(const char *text, size_t size, uint32_t max, uint32_t *out);

/* Reads "VALUE" or "VALUE/MASK". Without a mask *mask is UINT32_MAX. */
bool convert_mark(const char *text, uint32_t *value, uint32_t *mask);

#endif
