/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A replay: packets from capture files through several engines side by side, one lane for each
 * policy. The clock is that of the capture.
 */
#ifndef FINWALL_CLI_REPLAY_H
#define FINWALL_CLI_REPLAY_H

#include "replay/conns.h"
#include "replay/policy.h"
#include "wire/link.h"

#include <finwall/engine.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text of an error: "FILE: packet 17: what is wrong". */
#define REPLAY_ERROR_SIZE 1024

/* Addresses that are the filtering host's own. */
struct replay_local {
	union ip_addr addr;
	uint8_t family;
	uint8_t bits;
};

/* What a capture does not tell. */
struct replay_place {
	enum hook hook;    /* of every packet, unless: */
	bool hook_is_auto; /* by the addresses below; without any: hook */
	const struct replay_local *locals;
	size_t locals_len;
	/* names that rules see; NULL = none */
	const char *iif;
	const char *oif;
	bool verify_checksums; /* off: a sender's own capture has none to verify yet */
};

struct replay_lane {
	const struct replay_policy *by;
	struct policy policy;
	struct engine *engine;
	void *mem;
	size_t mem_size;
	struct engine_worker worker;
	struct mono ticked;
	uint64_t growth_seen; /* new flows and tombstones when the peaks were last looked at */
	uint64_t flows_peak;
	uint64_t tombs_peak;
	/* of the packet at hand */
	struct decision decision;
	bool has_late;
	struct late_event late;
};

/* The packet at hand, for those who watch. */
struct replay_packet {
	const char *file;
	uint64_t nr_in_file; /* from 1 */
	int64_t time_ns;     /* since 1970, as captured */
	struct mono now;     /* on the replay's clock */
	const struct pkt *pkt;
};

struct replay;
struct capture_packet; /* io/capture.h */

/* Who wants to know. Each may be NULL. */
struct replay_watch {
	void *ctx;
	void (*packet)(void *ctx, const struct replay *r, const struct replay_packet *p);
	/* now and then; percent as from capture_percent() */
	void (*progress)(void *ctx, const struct replay *r, const char *file, int percent);
};

struct replay {
	struct replay_place place;
	struct replay_watch watch;
	struct replay_lane lane[REPLAY_LANES_MAX];
	size_t lanes_len;
	struct conns conns;
	/* the clock */
	bool has_started;
	int64_t first_ns; /* since 1970: when now was REPLAY_START */
	struct mono now;
	/* counts */
	uint64_t frames;
	uint64_t skipped[LINK_RESULTS_LEN]; /* that had no packet to judge, by why */
	uint64_t packets;                   /* that were judged */
	uint64_t bytes;
	uint64_t held;      /* whose time was not believed */
	uint64_t differing; /* on whose verdict the lanes do not agree */
};

/* When the first packet of a capture comes, on the replay's clock. */
#define REPLAY_START ((struct mono){ NSEC_PER_SEC })

/*
 * Sets up a lane for each policy, which must outlive the replay. Returns 0/-errno; replay_fini() is
 * fine after either.
 */
int replay_init(struct replay *r, const struct replay_place *place,
                const struct replay_policy *policies, size_t policies_len);
void replay_fini(struct replay *r);

/* Judges one captured frame. Returns 0 or -ENOMEM. */
int replay_frame(struct replay *r, enum link_type type, const struct capture_packet *captured,
                 const char *file, uint64_t nr_in_file);

/*
 * Judges all packets of a file, "-" = standard input. Returns 0, or -errno with the reason in
 * error; what was read before it broke counts.
 */
int replay_file(struct replay *r, const char *path, char error[REPLAY_ERROR_SIZE]);

/* True when the lanes do not agree on the packet at hand. */
bool replay_differs(const struct replay *r);

/* Sums over a lane's counters. */
uint64_t replay_verdicts(const struct replay_lane *lane, enum verdict v);
uint64_t replay_verdict_bytes(const struct replay_lane *lane, enum verdict v);
uint64_t replay_states(const struct replay_lane *lane, enum ct_state s);

#endif
