/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A replay: each packet of the capture files goes through several engines, one instance per policy.
 * The clock is that of the capture.
 */
#ifndef FINWALL_CLI_REPLAY_H
#define FINWALL_CLI_REPLAY_H

#include "replay/conns.h"
#include "replay/copies.h"
#include "replay/policy.h"
#include "wire/link.h"

#include <finwall/engine.h>
#include <finwall/trace.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of an error message: "FILE: packet 17: why". */
#define REPLAY_ERROR_SIZE 1024

/* An address or prefix of the filtering host. */
struct replay_local {
	union ip_addr addr;
	uint8_t family;
	uint8_t bits;
};

/* Where the filter would be: facts that a capture does not contain. */
struct replay_vantage {
	enum hook hook;    /* of every packet, unless hook_is_auto */
	bool hook_is_auto; /* the hook follows from the addresses below */
	const struct replay_local *locals;
	size_t locals_len;
	/* interface names for rules; NULL = none */
	const char *iif;
	const char *oif;
	bool traces;           /* make a trace of each packet */
	bool verify_checksums; /* false: a host captures its own packets before they have one */
};

/* An engine under one policy. */
struct replay_instance {
	const struct replay_policy *source;
	struct policy policy;
	struct rs_routes *routes; /* NULL without addresses of the host */
	struct engine *engine;
	void *mem;
	size_t mem_size;
	struct engine_worker worker;
	struct mono ticked;
	uint64_t growth_seen; /* new flows and tombstones at the last update of the peaks */
	uint64_t flows_peak;
	uint64_t tombs_peak;
	/* of the current packet */
	struct decision decision;
	bool has_late;
	bool is_probed; /* would be held, and its other end probed */
	struct late_event late;
	struct trace *trace; /* of the current packet, with replay_vantage.traces */
};

/* The current packet, for callbacks. */
struct replay_packet {
	const char *file;
	uint64_t nr_in_file; /* from 1 */
	int64_t time_ns;     /* since 1970, as captured */
	struct mono now;     /* on the replay's clock */
	const struct pkt *pkt;
};

struct replay;
struct capture_packet; /* io/capture.h */

/* Each may be NULL. */
struct replay_callbacks {
	void *ctx;
	void (*packet)(void *ctx, const struct replay *r, const struct replay_packet *p);
	/* every 65536 packets; percent as from capture_percent() */
	void (*progress)(void *ctx, const struct replay *r, const char *file, int percent);
};

struct replay {
	struct replay_vantage vantage;
	struct replay_callbacks callbacks;
	struct replay_instance instance[REPLAY_POLICIES_MAX];
	size_t instances_len;
	struct conns conns;
	struct copies *copies;
	/* the clock */
	bool has_started;
	int64_t first_ns; /* since 1970: when now was REPLAY_START */
	struct mono now;
	/* counts */
	uint64_t frames;
	uint64_t skipped[LINK_RESULTS_LEN]; /* frames without an IP packet, by reason */
	uint64_t copies_skipped;            /* of packets that were captured elsewhere before */
	uint64_t packets;                   /* evaluated */
	uint64_t bytes;
	uint64_t out_of_order; /* evaluated at the time of the packet before */
	uint64_t differing;    /* packets with different verdicts */
};

/* Time of the first packet, on the replay's clock. */
#define REPLAY_START ((struct mono){ NSEC_PER_SEC })

/*
 * Sets up an instance for each policy. The policies must outlive the replay. Returns 0/-errno;
 * replay_fini() is allowed after either.
 */
int replay_init(struct replay *r, const struct replay_vantage *vantage,
                const struct replay_policy *policies, size_t policies_len);
void replay_fini(struct replay *r);

/* Evaluates one captured frame. Returns 0 or -ENOMEM. */
int replay_frame(struct replay *r, enum link_type type, const struct capture_packet *captured,
                 const char *file, uint64_t nr_in_file);

/*
 * Evaluates all packets of a file, "-" = standard input. Returns 0, or -errno with a message in
 * error; packets before the error count.
 */
int replay_file(struct replay *r, const char *path, char error[REPLAY_ERROR_SIZE]);

/* Returns true if the current packet has different verdicts. */
bool replay_differs(const struct replay *r);

/* Sums over an instance's counters. */
uint64_t replay_verdicts(const struct replay_instance *in, enum verdict v);
uint64_t replay_verdict_bytes(const struct replay_instance *in, enum verdict v);
uint64_t replay_states(const struct replay_instance *in, enum ct_state s);

#endif
