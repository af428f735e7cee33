/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled rules: what a policy decides for one packet in one chain. Built by
 * config_compile() (finwall/config.h), evaluated here; evaluation is pure, allocates nothing and never fails.
 *
 * A ruleset is immutable once built and may be read by any number of workers. What changes while
 * packets pass (counters, token buckets, interface names) lives in parts that are made for it:
 * counters in a struct ruleset_counters of each worker (no shared cache lines), rate limits in
 * atomic words of the ruleset itself, interface names in its atomic name map.
 */
#ifndef FINWALL_RULESET_H
#define FINWALL_RULESET_H

#include <finwall/frame.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/reason.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The base chains. The first three are the hooks of frame.h, by the same numbers. */
enum base_chain {
	CHAIN_INPUT,
	CHAIN_FORWARD,
	CHAIN_OUTPUT,
	CHAIN_LATE, /* a FIN or RST without a live entry */
	CHAIN_IDLE, /* a TCP connection whose time has run out */
	CHAINS_LEN,
};

/* What a chain can answer. Filter chains give the first three, late and idle chains the others. */
enum rule_code {
	RULE_ACCEPT,
	RULE_DROP,
	RULE_REJECT,
	RULE_LATE_FIRST,                       /* + enum late_policy */
	RULE_IDLE_FIRST = RULE_LATE_FIRST + 8, /* + enum idle_policy */
	RULE_CODES_LEN = RULE_IDLE_FIRST + 8,
};

/* How a rejected sender is told. */
enum reject_with {
	REJECT_PORT_UNREACHABLE,
	REJECT_HOST_UNREACHABLE,
	REJECT_NET_UNREACHABLE,
	REJECT_ADMIN_PROHIBITED,
	REJECT_TCP_RESET,
	REJECTS_LEN,
};

struct conncount; /* opaque; the engine's counters of connections */
struct conncount_claim;
struct ruleset;          /* opaque: finwall/ruleset_layout.h; config_compile() makes one */
struct ruleset_counters; /* opaque; one per worker and ruleset */

/* What comes of asking, the same for many packets. */
struct rule_asking {
	bool is_dry;              /* nothing comes of it: rate limits are not used up */
	struct conncount *counts; /* of live connections; NULL: `ct count` finds none */
	/* of a packet that opens an entry: what it was counted by; otherwise NULL */
	struct conncount_claim *claim;
};

/* What rules see. Borrowed for the call. */
struct rule_input {
	const struct pkt *pkt;
	enum ct_state state;
	enum flow_dir dir;
	struct mono now;
	const struct rule_asking *asking; /* NULL: as if all of it were 0 */
	/* Called for each log statement that is reached and within its rate; may be NULL. */
	void (*log)(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
	            enum ct_state state);
	void *log_ctx;
};

struct rule_result {
	uint8_t code;        /* enum rule_code */
	uint8_t reject_with; /* enum reject_with, for RULE_REJECT */
	uint8_t mark_is_set;
	uint32_t mark;
	uint32_t rule_nr; /* the rule that decided; UINT32_MAX = the chain's policy */
};

/* Runs the chain. ctr may be NULL: nothing is counted then. */
void ruleset_eval(const struct ruleset *rs, struct ruleset_counters *ctr, enum base_chain chain,
                  const struct rule_input *in, struct rule_result *out);

/*
 * True when the chain answers all packets of this family (4 or 6) and state alike, without looking
 * at them, counting or logging; *out is then what ruleset_eval() would say of each.
 */
bool ruleset_is_fixed(const struct ruleset *rs, enum base_chain chain, uint8_t family,
                      enum ct_state state, struct rule_result *out);

/* True when the configuration has this chain. Without it: filter hooks accept, late and idle follow
 * the settings. */
bool ruleset_has_chain(const struct ruleset *rs, enum base_chain chain);

/* True when a rule compares a number of connections, so that those that open must be counted. */
bool ruleset_counts_connections(const struct ruleset *rs);

/*
 * Interface names. The rules name interfaces, packets carry indexes: the shell tells the ruleset of
 * every interface it learns of, changes or loses (name NULL). One thread writes, any may evaluate.
 */
void ruleset_set_ifname(struct ruleset *rs, uint32_t ifindex, const char *name);

/* Bytes of a worker's counters; init takes that many zeroed, 64-byte aligned. The caller keeps the
 * memory. */
size_t ruleset_counters_size(const struct ruleset *rs);
struct ruleset_counters *ruleset_counters_init(const struct ruleset *rs, void *mem);

/* Adds what one worker counted for a rule. May run beside that worker. */
void ruleset_counter_add(const struct ruleset_counters *ctr, uint32_t rule_nr, uint64_t *packets,
                         uint64_t *bytes);

/* The log statement's prefix ("" if none) and syslog level (0..7), for the sink of events. */
const char *ruleset_log_prefix(const struct ruleset *rs, unsigned log_nr);
unsigned ruleset_log_level(const struct ruleset *rs, unsigned log_nr);

#endif
