/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule: the words after -A CHAIN, parsed and written in the configuration language.
 */
#ifndef FINWALL_CLI_IPTABLES_RULE_H
#define FINWALL_CLI_IPTABLES_RULE_H

#include "iptables/convert.h"
#include "iptables/gate.h"

#define CONVERT_WHY_SIZE 240

/* What to do about a match that only the kernel can evaluate. */
#define CONVERT_WAY_OUT_MARK                                                                       \
	"mark such packets in table mangle, which stays in the kernel, and match the mark"

/* IFNAMSIZ: an interface name and its terminating zero. */
#define CONVERT_IFACE_SIZE 16

/* A rule that packets match in one of several ways becomes that many rules, any other one. */
#define CONVERT_RULES_MAX 3

/* Matches with a state of their own, in one rule. */
#define CONVERT_METERS_MAX 4

/* A match that counts: its place among the others matters. See meter.c and recent.c. */
struct convert_meter {
	enum {
		METER_LIMIT,
		METER_CONNECTIONS,
		METER_HASHLIMIT,
		METER_RECENT,
		METER_TIME, /* does not count, but has several options; the next too */
		METER_CONNBYTES,
	} kind;
	long at; /* bytes of matches before it */

	/* limits */
	uint32_t rate;
	char unit[8];
	uint32_t burst;
	bool is_over; /* matches above the rate or number, not up to it */

	/* numbers of connections, and what is counted separately */
	uint32_t count_max;   /* UINT32_MAX: not read yet */
	uint32_t source_mask; /* UINT32_MAX: a single address */
	uint32_t destination_mask;
	bool is_of_destination;

	/* hashlimit */
	unsigned keys; /* HASH_... */
	uint32_t expire_s;
	uint32_t size; /* 0 = default */
	char *name;    /* of hashlimit and recent */

	/* connbytes */
	uint64_t bytes_from;
	uint64_t bytes_to;
	const char *direction; /* "original ", "" = both; NULL = not read yet */
	const char *mode;      /* "bytes" ... */

	/* time; the days of the week, Monday first, are in keys */
	uint32_t day_start;
	uint32_t day_stop;
	int64_t date_start;
	int64_t date_stop;

	/* recent */
	enum {
		RECENT_NONE, /* not read yet */
		RECENT_SET,
		RECENT_CHECK,
		RECENT_UPDATE,
		RECENT_REMOVE,
	} action;
	bool is_negated;
	uint32_t seconds; /* 0 = any time */
	uint32_t hits;    /* 0 = one */
};

/* A rule being parsed. */
struct rule_parser {
	/* set by the caller */
	enum convert_family family;
	const struct convert *cv;
	struct convert_table *sets; /* the table to which the rule's sets are added */
	const char *const *word;
	size_t len;
	bool is_raw; /* of table raw: may have notrack */

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
	const char *module; /* the last -m; NULL = none */
	FILE *matches;
	struct convert_meter meter[CONVERT_METERS_MAX];
	size_t meters_len;
	/* The rule is written once with each of these texts, of which a packet matches at most one.
	 */
	char *either[CONVERT_RULES_MAX];
	size_t either_len;
	long either_at; /* bytes of matches before it */

	struct convert_hits hits; /* --hitcount */
	bool uses_set;            /* of ipset, which is of one family */

	/* target */
	char *comment;
	char *target; /* NULL: only counts */
	bool is_goto;
	struct convert_action {
		char *log_prefix;
		char log_level[8];
		const struct convert_reject *reject;
		uint32_t mark;
		uint32_t mark_mask; /* bits that are cleared before the mark is xored */
		bool has_mark;
		char copies;       /* 's': the mark to the connection's, 'r': back; 0 = neither */
		bool is_untracked; /* CT --notrack */
		uint32_t packet_mask;
		uint32_t connection_mask;
		const char *set_name; /* of ipset; NULL = none */
		const char *set_sides;
		uint32_t set_seconds;
		bool set_is_deleted;
		bool set_is_renewed;
	} action;

	/* result */
	const char *note;           /* a difference in meaning, or NULL */
	char why[CONVERT_WHY_SIZE]; /* why the rule is refused; "" = it is not */
};

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
bool convert_port_option(struct rule_parser *p, const char *option);
bool convert_meter_option(struct rule_parser *p, const char *option);
bool convert_recent_option(struct rule_parser *p, const char *option);
bool convert_time_option(struct rule_parser *p, const char *option);
bool convert_connbytes_option(struct rule_parser *p, const char *option);
bool convert_host_option(struct rule_parser *p, const char *option);

/* Writes rule nr of those that the parsed rule becomes; matches: text of its modules. Returns false
 * if it is refused, or memory runs out. */
bool convert_rule_text(struct rule_parser *p, const char *matches, unsigned nr,
                       struct convert_rule *out);

/* The target's text in a table of the family, and in a table inet (NULL: no equivalent). Returns
 * false if it is refused, or memory runs out. */
bool convert_target_text(struct rule_parser *p, char **text, char **inet_text, bool *is_final,
                         bool *is_chain);

/* Begins a match with a state of its own, or refuses the rule. False for other modules. */
bool convert_meter_begin(struct rule_parser *p, const char *module);

/* The meter of this kind that was named last, or NULL after a refusal. */
struct convert_meter *convert_meter_last(struct rule_parser *p, int kind);

/* Write a match that counts, or refuse the rule if its options are not complete. */
void convert_count_put(struct rule_parser *p, struct convert_meter *m, FILE *f);
void convert_hashlimit_put(struct rule_parser *p, struct convert_meter *m, FILE *f);
void convert_recent_put(struct rule_parser *p, struct convert_meter *m, FILE *f);
void convert_time_put(struct rule_parser *p, struct convert_meter *m, FILE *f);
void convert_connbytes_put(struct rule_parser *p, struct convert_meter *m, FILE *f);

/* Another text for the rule; takes ownership. */
void convert_either(struct rule_parser *p, char *text);

/* Refuses the rule and returns false if the module or the target has no equivalent. */
bool convert_module_check(struct rule_parser *p, const char *name);
bool convert_target_check(struct rule_parser *p, const char *name);

/* Refuses the rule and returns false if the language does not have the construct. */
bool convert_needs(struct rule_parser *p, enum convert_construct construct);

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

/* An address or prefix in the configuration language, malloc'd; NULL after a refusal. */
char *convert_prefix(struct rule_parser *p, const char *text);

/* Reads "a" or "a<sep>b"; without a or b the range is open. */
bool convert_range(const char *text, char sep, uint32_t max,
                   bool (*read)(const char *name, uint32_t *out), uint32_t out[2]);

/* Refuses a range whose ends are in the wrong order, which iptables refuses, too. */
bool convert_range_check(struct rule_parser *p, const char *text, const uint32_t range[2]);

/* Writes "20-30", or "20" if both ends are the same. */
void convert_range_put(FILE *f, const uint32_t range[2]);

/* Reads "22" or "20:30"; false after a refusal. */
bool convert_port_range(struct rule_parser *p, const char *text, uint32_t range[2]);

/* Reads "VALUE" or "VALUE/MASK". Without a mask *mask is UINT32_MAX. */
bool convert_mark(const char *text, uint32_t *value, uint32_t *mask);

#endif
