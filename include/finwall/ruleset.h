/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled rules and their evaluation on a packet. config_compile() (finwall/config.h) builds them.
 * Evaluation makes no system call, allocates nothing and never fails.
 *
 * A ruleset is immutable once built and may be evaluated by any number of threads. What packets or
 * interfaces change is apart: counters are in a struct ruleset_counters of each worker (no shared
 * cache lines), rate limits in atomic words of the ruleset, interface names in its atomic name map.
 */
#ifndef FINWALL_RULESET_H
#define FINWALL_RULESET_H

#include <finwall/frame.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The base chains. The first three are the hooks of frame.h, by the same numbers. */
enum base_chain {
	CHAIN_INPUT,
	CHAIN_FORWARD,
	CHAIN_OUTPUT,
	CHAIN_LATE, /* a FIN or RST without a live entry */
	CHAIN_IDLE, /* a TCP connection past its deadline */
	/* Before the tracker, where rules have notrack: of input and forward, and of output. */
	CHAIN_PREROUTING,
	CHAIN_RAW_OUTPUT,
	CHAINS_LEN,
};

/* Results of a chain. Filter chains give the first three, late and idle chains the others. */
enum rule_code {
	RULE_ACCEPT,
	RULE_DROP,
	RULE_REJECT,
	RULE_LATE_FIRST,                       /* + enum late_policy */
	RULE_IDLE_FIRST = RULE_LATE_FIRST + 8, /* + enum idle_policy */
	RULE_CODES_LEN = RULE_IDLE_FIRST + 8,
};

/* The answer to the sender of a rejected packet. */
enum reject_with {
	REJECT_PORT_UNREACHABLE,
	REJECT_HOST_UNREACHABLE,
	REJECT_NET_UNREACHABLE,
	REJECT_ADMIN_PROHIBITED,
	REJECT_NET_PROHIBITED,   /* IPv4 */
	REJECT_HOST_PROHIBITED,  /* IPv4 */
	REJECT_PROT_UNREACHABLE, /* IPv4 */
	REJECT_POLICY_FAIL,      /* IPv6 */
	REJECT_REJECT_ROUTE,     /* IPv6 */
	REJECT_TCP_RESET,
	REJECTS_LEN,
};

struct conncount; /* opaque; the engine's counters of connections */
struct conncount_claim;
struct ruleset;          /* opaque: finwall/ruleset_layout.h; config_compile() makes one */
struct ruleset_counters; /* opaque; one per worker and ruleset */
struct rs_routes;        /* finwall/ruleset_routes.h */

/* The effects of an evaluation besides its result. */
enum eval_mode {
	EVAL_COUNT,   /* rules count and log, and use up rate limits */
	EVAL_CLAIM,   /* the same; `ct count` also counts the packet's connection into *claim */
	EVAL_DRY,     /* none */
	EVAL_AGAIN,   /* none; limits match as they did when they were used up before */
	EVAL_EXPLAIN, /* none; `ct count` matches as if the packet opened a connection */
};

/* How the tracker treats a connection: bits that `ct tracking set` sets. */
#define RULE_TRACK_LIBERAL 0x01u /* no window check */
#define RULE_TRACK_ONE_WAY 0x02u /* packets of one direction only */

/* What rules match of the packet's connection, by direction, and what they set of it. */
struct rule_ct {
	struct tuple tuple[2];
	uint64_t packets[2];
	uint64_t bytes[2];
	int64_t left_ns; /* until it expires */
	uint32_t mark;
	uint32_t timeouts; /* see struct flow_extra */
	bool mark_is_set;  /* by a rule, as the next ones */
	bool timeouts_are_set;
	uint8_t tracking; /* RULE_TRACK_* */
};

/* What rules read of connections: bits of ruleset_ct_uses(). */
#define RULE_USES_CT         0x01u
#define RULE_USES_CT_ACCOUNT 0x02u

/* Bytes of an interface name with its NUL, at most. */
#define RULE_IFNAME_SIZE 16

/* What rules match, and where an evaluation has its effects. Borrowed for the call. */
struct rule_input {
	const struct pkt *pkt;
	enum ct_state state;
	enum flow_dir dir;
	uint8_t flow_status; /* FLOW_* of the live connection */
	bool has_flow;       /* there is one */
	struct rule_ct *ct;  /* NULL: there is none, or the rules do not use it */
	enum eval_mode mode;
	struct mono now;
	struct conncount *counts;      /* of live connections; NULL: `ct count` never matches */
	struct conncount_claim *claim; /* EVAL_CLAIM: the counters that were incremented */
	/* Called for each log statement that is reached and within its rate; may be NULL. */
	void (*log)(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
	            enum ct_state state);
	void *log_ctx;
	/* Called with log_ctx for an interface that is not in the name map, such as a new one:
	 * writes its name. Returns false when there is no such interface. May be NULL. */
	bool (*ifname)(void *ctx, uint32_t ifindex, char name[static RULE_IFNAME_SIZE]);
};

struct rule_result {
	uint8_t code;        /* enum rule_code */
	uint8_t reject_with; /* enum reject_with, for RULE_REJECT */
	uint8_t mark_is_set;
	uint8_t is_untracked; /* a rule has notrack, and the packet no connection */
	uint32_t mark;
	uint32_t rule_nr; /* the rule that decided; UINT32_MAX = the chain's policy */
};

/* A step of an evaluation. */
enum rule_step_kind {
	STEP_CHAIN,   /* the evaluation of a base chain begins */
	STEP_RULE,    /* a packet matched the whole of a rule */
	STEP_END,     /* the end of a chain that a rule had jumped to */
	STEP_POLICY,  /* no rule decided: the chain's policy */
	STEP_SETTING, /* there is no such chain: the settings decide */
};

/* How the evaluation went on after a rule. */
enum rule_step_then {
	STEP_CONTINUE,
	STEP_JUMP,
	STEP_GOTO,
	STEP_RETURN,
	STEP_VERDICT,
};

struct rule_step {
	uint32_t rule_nr;  /* STEP_RULE */
	uint32_t chain_nr; /* STEP_END; STEP_RULE with jump or goto: where to */
	uint8_t kind;      /* enum rule_step_kind */
	uint8_t then;      /* enum rule_step_then, of STEP_RULE */
	uint8_t code;      /* enum rule_code, of STEP_VERDICT, STEP_POLICY and STEP_SETTING */
	uint8_t with;      /* enum reject_with, of RULE_REJECT */
	uint8_t chain;     /* enum base_chain */
	uint8_t family;    /* 4, 6, or 0: addresses not decoded */
	uint8_t state;     /* enum ct_state, of STEP_CHAIN */
};

#define RULE_STEPS_MAX 64

/* The steps of one or more evaluations. The last ones are kept in any case. */
struct rule_trace {
	uint32_t len;
	uint32_t left_out; /* steps before the last, for lack of space */
	struct rule_step step[RULE_STEPS_MAX];
};

/* Adds a step. */
void rule_trace_add(struct rule_trace *t, const struct rule_step *step);

/* Evaluates the chain. ctr: the calling worker's counters, or NULL to count nothing. */
void ruleset_eval(const struct ruleset *rs, struct ruleset_counters *ctr, enum base_chain chain,
                  const struct rule_input *in, struct rule_result *out);

/* The same, and adds its steps to *t. Rules that can never have an effect are not among them: they
 * are not compiled. */
void ruleset_eval_traced(const struct ruleset *rs, struct ruleset_counters *ctr,
                         enum base_chain chain, const struct rule_input *in,
                         struct rule_result *out, struct rule_trace *t);

/*
 * True when the chain gives all packets of this family (4 or 6) and state the same result without
 * reading them, counting or logging; *out is then that of ruleset_eval().
 */
bool ruleset_is_fixed(const struct ruleset *rs, enum base_chain chain, uint8_t family,
                      enum ct_state state, struct rule_result *out);

/*
 * True when the chain gives this packet's result to all packets of its connection in this direction
 * and state: as far as they are evaluated, the rules read only addresses, ports, protocol,
 * direction and the incoming interface, and neither count, limit, log nor mark. *out is then that
 * of ruleset_eval(), and *reads_iif whether it depends on the interface. in->mode is EVAL_DRY.
 * Gives up after some dozens of instructions.
 */
bool ruleset_is_constant(const struct ruleset *rs, enum base_chain chain,
                         const struct rule_input *in, struct rule_result *out, bool *reads_iif);

/*
 * Why ruleset_is_constant() is false: a word such as "counter", and in *rule_nr the rule at which
 * it gives up. NULL if it is true.
 */
const char *ruleset_obstacle(const struct ruleset *rs, enum base_chain chain,
                             const struct rule_input *in, uint32_t *rule_nr);

/* True when the configuration has this chain. */
bool ruleset_has_chain(const struct ruleset *rs, enum base_chain chain);

/*
 * True when the configuration has this chain, and the chain's policy, or a rule of any chain, gives
 * this code (enum rule_code).
 */
bool ruleset_can_give(const struct ruleset *rs, enum base_chain chain, uint8_t code);

/*
 * The hooks whose packets have to be queued: those with a chain; input and output together, since a
 * connection of this machine has packets in both and the tracker must see all of them. Packets of a
 * hook without a chain are accepted.
 */
void ruleset_hooks(const struct ruleset *rs, bool hooked[HOOKS_LEN]);

/* True when a rule has `ct count`, so that new connections must be counted. */
bool ruleset_counts_connections(const struct ruleset *rs);

/* What rules read or set of connections besides their state: RULE_USES_*. */
unsigned ruleset_ct_uses(const struct ruleset *rs);

/*
 * Changes the timeouts of *tun to those of an object of `ct timeout`, by the number of its name.
 * Returns false when there is no such object.
 */
bool ruleset_set_timeouts(const struct ruleset *rs, uint32_t id, struct tunables *tun);

/* True when a rule has iifname or oifname. */
bool ruleset_has_ifnames(const struct ruleset *rs);

/*
 * Interface names: rules name interfaces, packets carry indexes. To be called for each interface
 * that appears, changes its name or disappears (name NULL). By one thread at a time; others may
 * evaluate.
 */
void ruleset_set_ifname(struct ruleset *rs, uint32_t ifindex, const char *name);

/*
 * The kernel's routes for `fib`. needs: ROUTES_* (finwall/routes.h) of those that the rules read, 0
 * = none. set: borrows the snapshot until the next call, and for as long as an evaluation that
 * began before it runs; NULL: only loopback addresses are local, and any address has a route. Any
 * thread.
 */
uint32_t ruleset_needs_routes(const struct ruleset *rs);
void ruleset_set_routes(struct ruleset *rs, const struct rs_routes *routes);

/* Sets what has to be added to rule_input.now for the time since 1970. Any thread. */
void ruleset_set_wall(struct ruleset *rs, int64_t wall_ns);

/* Bytes of a worker's counters. init takes that many, zeroed and 64-byte aligned, and the caller
 * frees them. */
size_t ruleset_counters_size(const struct ruleset *rs);
struct ruleset_counters *ruleset_counters_init(const struct ruleset *rs, void *mem);

/* Adds one worker's counters of a rule to *packets and *bytes. That worker may run meanwhile. */
void ruleset_counter_add(const struct ruleset_counters *ctr, uint32_t rule_nr, uint64_t *packets,
                         uint64_t *bytes);

/* Sets *out so that all counters of *out and ctr are 0 in sum, modulo 2^64. */
void ruleset_counters_negate(struct ruleset_counters *out,
                             const struct ruleset_counters *const *ctr, size_t ctr_len);

/* Likewise of one counter. */
void ruleset_counter_negate(struct ruleset_counters *out, const struct ruleset_counters *const *ctr,
                            size_t ctr_len, uint32_t rule_nr);

/*
 * The bytes that a quota with a name has used; quota_nr: of the object, in its configuration.
 * Returns false when no rule that can match has it. Workers may use it meanwhile.
 */
bool ruleset_quota_used(const struct ruleset *rs, uint32_t quota_nr, uint64_t *used);

/* It has used nothing from now on. */
void ruleset_quota_reset(const struct ruleset *rs, uint32_t quota_nr);

/* The prefix ("" = none) and syslog level (0..7) of a log statement. */
const char *ruleset_log_prefix(const struct ruleset *rs, unsigned log_nr);
unsigned ruleset_log_level(const struct ruleset *rs, unsigned log_nr);

/* The group that a log statement names; 0 = none. */
uint32_t ruleset_log_group(const struct ruleset *rs, unsigned log_nr);

/* The rule that has a log statement. */
uint32_t ruleset_log_rule(const struct ruleset *rs, unsigned log_nr);

#endif
