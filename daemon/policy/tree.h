/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration as a tree: the parser builds it, the checker completes it, the compiler and the
 * printer read it. All of it is in one arena.
 */
#ifndef FINWALL_POLICY_TREE_H
#define FINWALL_POLICY_TREE_H

#include <finwall/config.h>
#include <finwall/flowkey.h>

#include "sets/set.h"
#include "text/arena.h"
#include "text/loc.h"

enum value_kind {
	VALUE_NUMBER,
	VALUE_WORD,
	VALUE_STRING,
	VALUE_ADDR,   /* with a prefix length */
	VALUE_RANGE,  /* lo - hi */
	VALUE_BITS,   /* a | b */
	VALUE_COMMAS, /* a, b outside braces */
	VALUE_SET,    /* { a, b } */
	VALUE_NAME,   /* @name */
	VALUE_TUPLE,  /* a . b: an element of a concatenation */
	VALUE_ETHER,  /* an Ethernet address, as a number */
};

#define VALUE_DEPTH_MAX 16          /* of lists in lists, through variables */
#define VALUE_LEN_MAX   SET_LEN_MAX /* elements of one list, variables expanded */

struct value {
	struct value *next; /* in its list */
	struct loc loc;
	uint8_t kind;                 /* enum value_kind */
	uint8_t family;               /* VALUE_ADDR: 4 or 6 */
	uint8_t prefix_len;           /* VALUE_ADDR */
	uint8_t depth;                /* lists: of the deepest list in it, plus one */
	bool is_time;                 /* VALUE_NUMBER: of milliseconds */
	const struct elem_opts *opts; /* of an element of a set; NULL = none */
	union {
		uint64_t number;
		struct {
			const char *text; /* VALUE_WORD, VALUE_STRING, VALUE_NAME */
			/* its number in one of the system's files, and which; 0 = not looked up */
			uint32_t number_in_file;
			uint8_t file; /* enum names_file */
		};
		union ip_addr addr;
		struct {
			const struct value *lo;
			const struct value *hi;
		} range;
		struct {
			struct value *first;
			uint32_t len; /* with those of inner lists */
		} list;
	};
};

/* What may stand behind an element, or behind the key of an element that a rule adds. */
struct elem_opts {
	struct loc loc;
	bool has_timeout;
	bool has_expires;
	bool has_counter;
	bool has_limit;
	uint64_t timeout_ms;
	uint64_t expires_ms;
	uint64_t packets;
	uint64_t bytes;
	struct limit *limit;
	struct stmt *count; /* ct count, in a rule */
	const char *comment;
};

enum relation {
	REL_IMPLICIT,
	REL_EQ,
	REL_NE,
	REL_LT,
	REL_GT,
	REL_LE,
	REL_GE,
	REL_NOT, /* `!`: none of these bits */
};

struct selector; /* selector.h */
struct reject;   /* words.h */
struct chain;

struct match {
	const struct selector *sel;
	enum relation rel;
	const struct value *mask; /* NULL = none */
	const struct value *value;
	const struct set *set;    /* of VALUE_NAME; the checker finds it */
	struct live_keyed *keyed; /* of a set of tuples in the rule; the checker makes it */
};

/* A look-up in a map: of a field, perhaps masked. */
struct lookup {
	const struct selector *sel;
	const struct value *mask;    /* NULL = none */
	const struct value *name;    /* VALUE_NAME, or NULL: the map is in the rule */
	struct map *map;             /* of a name: the checker finds it */
	const struct dtype *objects; /* STMT_OBJECT_MAP: of which kind */
};

/* `ct count`: live connections of a rule, or of one key in a set. */
struct count {
	const struct selector *key;   /* NULL = of the rule */
	const struct value *set_name; /* VALUE_NAME, with a key */
	const struct set *set;        /* the checker finds it */
	uint32_t max;
	bool is_over; /* true: matches above max; false: up to max */
};

struct limit {
	uint64_t rate;
	uint64_t period_sec;
	uint64_t burst;
	bool is_over;                /* true where the rate is exceeded */
	const char *name;            /* of an object; NULL = as written */
	const struct shared *object; /* the checker finds it */
};

/* `quota over 100 mbytes` */
struct quota {
	uint64_t bytes;
	uint64_t used;               /* at the start */
	bool is_over;                /* true: matches when it is used up; false: until then */
	const char *name;            /* of an object; NULL = as written */
	const struct shared *object; /* the checker finds it */
};

/* The verdict of a rule or a policy. The chain's kind gives it its enum rule_code. */
enum verdict {
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_REJECT,
	VERDICT_STRICT,
	VERDICT_REMEMBERED,
	VERDICT_PICKUP,
	VERDICT_LENIENT,
	VERDICT_VERIFY,
	VERDICT_FORGET,
	VERDICT_REMEMBER,
	VERDICT_RESET,
	VERDICT_PROBE,
	VERDICTS_LEN,
};

/* `add @set { key ... }` and the like. */
struct change {
	enum rs_change what;
	const struct selector *key;
	const struct value *set_name; /* VALUE_NAME */
	struct set *set;              /* the checker finds it */
	const struct elem_opts *opts;
	uint32_t kit; /* the checker finds it */
	bool is_meter;
};

enum stmt_kind {
	STMT_MATCH,
	STMT_LIMIT,
	STMT_QUOTA,
	STMT_COUNTER,
	STMT_LOG,
	STMT_COUNT, /* `ct count` */
	STMT_MARK,
	STMT_MARK_LOAD,
	STMT_MARK_MAP,
	STMT_VMAP,
	STMT_OBJECT_MAP, /* `counter name ip saddr map @m` */
	STMT_VERDICT,
	STMT_JUMP,
	STMT_GOTO,
	STMT_RETURN,
	STMT_CONTINUE,
	STMT_CHANGE,
	STMT_NOTRACK,
	STMT_TIMEOUTS, /* `ct timeout set` */
	STMT_TRACKING, /* `ct tracking set` */
};

/* Options of log with a number. They only are parsed and printed, as are its flags. */
enum log_option {
	LOG_GROUP,
	LOG_SNAPLEN,
	LOG_QUEUE_THRESHOLD,
	LOG_OPTIONS_LEN,
};

struct stmt {
	struct stmt *next;
	struct loc loc;
	enum stmt_kind kind;
	uint32_t nr; /* among all statements of the configuration */
	bool to_ct;  /* STMT_MARK*: the connection's mark becomes something */
	union {
		struct match match;
		struct limit limit;
		struct quota quota;
		struct {
			const char *prefix;
			unsigned level;
			uint8_t options; /* those that are given: a bit for each log_option */
			uint32_t option[LOG_OPTIONS_LEN];
			uint8_t flags; /* by log_flags[] */
		} log;
		struct count count;
		struct change change;
		struct {
			const char *name;            /* of an object; NULL = of the rule */
			const struct shared *object; /* the checker finds it */
		} counter;                           /* and STMT_TIMEOUTS, with a name */
		struct {
			/* the mark becomes (mark & own) ^ (from & keep) ^ flip */
			uint32_t own;
			uint32_t keep;
			uint32_t flip;
			bool from_ct; /* the connection's mark, otherwise the packet's */
		} mark;
		uint32_t tracking;           /* RULE_TRACK_* */
		const struct selector *load; /* STMT_MARK_LOAD */
		struct lookup lookup;        /* STMT_MARK_MAP, STMT_VMAP */
		struct {
			enum verdict verdict;
			const struct reject *reject; /* NULL = not given */
		} verdict;
		struct {
			const char *name;
			struct chain *chain; /* the checker finds it */
		} target;
	};
};

struct rule {
	struct rule *next;
	struct loc loc;
	struct stmt *stmts;
	const char *comment;
	/* set by the checker */
	const struct chain *chain;
	uint32_t nr; /* in the order of the canonical text */
};

/* Chains below this priority of the kernel's tracker see packets without a state. */
#define PRIORITY_TRACKER (-200)

enum chain_kind {
	CHAIN_UNUSED, /* a chain that nothing reaches: any verdict is valid */
	CHAIN_FILTER,
	CHAIN_CLOSE_LATE,
	CHAIN_CLOSE_IDLE,
};

struct chain {
	struct chain *next;
	struct loc loc;
	struct table *table;
	const char *name;
	const char *comment;
	bool is_base;
	bool is_anonymous;   /* written in the rule that jumps to it */
	struct chain *outer; /* of that rule */
	bool has_policy;
	enum base_chain base; /* of a base chain */
	enum verdict policy;
	int priority;
	struct loc hook_loc;
	struct loc policy_loc;
	struct rule *rules;
	struct rule **rules_end;
	/* set by the checker */
	struct chain *next_base[2]; /* of the same hook and packets, by priority */
	enum chain_kind kind;
	const struct chain *kind_from; /* the base chain it was found by */
	unsigned height;               /* nested jumps from here */
	uint32_t waits;                /* callees that are not sorted yet */
	struct chain *next_called_first;
	uint32_t nr; /* in that order */
};

/* `key : verdict` or `key : value`. */
struct map_entry {
	struct map_entry *next;
	struct loc loc;
	const struct value *key;  /* NULL = `*`, for keys that no other entry has */
	const struct value *data; /* NULL = a verdict */
	struct stmt *verdict;     /* verdict, jump, goto, return or continue; NULL = a value */
	uint32_t nr; /* number of its verdict or value in the map; set by the checker */
};

#define MAP_VERDICTS_MAX 4096 /* different ones in one map */

/* Name, type and properties are those of a set. */
struct map {
	struct map *next;
	struct set head;          /* name NULL: written in a rule; no elements */
	const struct dtype *data; /* NULL = verdicts */
	bool has_data;            /* the type of the values was given */
	bool is_fixed;            /* a rule looks up what the table of a map does not have */
	bool is_of_close;         /* a rule of a late or idle chain looks it up */
	struct map_entry *entries;
	/* set by the checker */
	struct vec verdicts; /* struct stmt *: each different one once; none in a map of values */
};

enum table_family {
	TABLE_INET,
	TABLE_IP,
	TABLE_IP6,
};

enum shared_kind {
	OBJECT_COUNTER,
	OBJECT_LIMIT,
	OBJECT_QUOTA,
	OBJECT_TIMEOUTS,
	OBJECT_KINDS_LEN,
};

/* An object of `ct timeout`. */
#define TIMEOUTS_LEN 11 /* of TCP; UDP has the first two */
struct ct_timeouts {
	uint8_t l4_proto; /* 0 = not given */
	uint8_t family;   /* 4, 6, or 0 = both */
	bool has_family;  /* l3proto was given */
	uint32_t given;   /* a bit for each of those below that was */
	uint64_t ms[TIMEOUTS_LEN];
};

/* A counter or limit of a table, which rules share by its name. */
struct shared {
	struct shared *next;
	struct loc loc;
	enum shared_kind kind;
	const char *name;
	const char *comment;
	struct limit limit; /* rate 0 = none given */
	struct quota quota; /* bytes 0 = none given */
	struct ct_timeouts timeouts;
	uint32_t nr; /* of its kind, in the configuration */
};

struct table {
	struct table *next;
	struct shared *objects;
	struct shared **objects_end;
	struct loc loc;
	enum table_family family;
	const char *name;
	const char *comment;
	struct set *sets;
	struct set **sets_end;
	struct map *maps; /* those without name too */
	struct map **maps_end;
	struct chain *chains;
	struct chain **chains_end;
};

/* The part of the files that belongs to the kernel: finwall/config.h. */
struct kernel_part {
	struct vec tables; /* const char *: "family name" */
	struct vec sets;   /* const char *: "family table name", of those that both sides have */
	struct vec
		given; /* const char *: chains of finwall's hooks that the kernel judges, and why */
	const char *text; /* "" = none */
	uint64_t hash;    /* of the text */
	uint32_t own_chains;
	uint32_t kernel_chains;
};

/* At least as many as there are rows of settings. */
#define SETTINGS_MAX 96

struct config {
	struct arena arena;
	struct arena reading; /* freed after loading: buffers, elements that are not in a set yet */
	struct vec files;     /* const char *: the name of each file, by loc.file */
	struct settings settings;
	struct tunables tunables;
	struct kernel_part kernel;
	struct table *tables;
	struct table **tables_end;
	struct chain *called_first; /* all chains, callees before callers */
	uint32_t chains_len;
	uint32_t rules_len;
	uint32_t stmts_len;
	uint32_t sets_len;
	uint32_t maps_len;
	bool has_notrack;    /* a rule has it */
	uint32_t ct_uses;    /* RULE_USES_*, of all rules */
	struct vec rules;    /* const struct rule *, by rule->nr */
	struct vec patterns; /* const char *: interface names, each once */
	uint32_t objects_len[OBJECT_KINDS_LEN];
	struct vec keyed; /* struct live_keyed *: a reference of each */
	/* the first chain of each hook for IPv4 and IPv6 packets, by priority */
	struct chain *base[CHAINS_LEN][2];
	/* while it is loaded */
	struct text errors;
	unsigned errors_len;
	struct loc setting_loc[SETTINGS_MAX]; /* of the value of each, line 0 = not set */
};

#endif
