/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow path: a decoded packet, its outcome, and the steps between. The caller of each
 * step holds the lock of the packet's shard.
 */
#ifndef FINWALL_CORE_SLOWPATH_H
#define FINWALL_CORE_SLOWPATH_H

#include "shard.h"
#include "verdict.h"

/* A decoded packet and where its flow is, if there is one. */
struct decoded {
	const struct context *cx;
	struct shard *shard;
	uint64_t hash;
	uint32_t hint;  /* number of the flow it probably belongs to; flowtab_find_hint() */
	uint8_t side;   /* enum key_side */
	uint8_t broken; /* enum reason; REASON_NONE for a valid packet */
	struct flowkey key;
	struct pkt pkt;
};

/* How a packet proves a flow beside which an older connection's tombstone is kept. */
enum proof {
	PROOF_NONE,
	PROOF_SYNACK, /* it answers the SYN */
	PROOF_AGREED, /* both ends agree */
};

/* What the steps find out about a packet. */
struct outcome {
	enum ct_state state;
	enum reason reason;
	enum flow_dir dir;
	struct flow *live;                /* its entry, or NULL */
	struct flow *related;             /* the entry that an ICMP error is about, or NULL */
	struct flow_extra gone;           /* of the entry that ended */
	struct flow_account gone_account; /* likewise, if has_status is set */
	bool has_status; /* without live: of the entry that ended, or that an ICMP error is about */
	uint8_t status;
	bool wants_entry;             /* insert fresh if the verdict is accept */
	struct flow fresh;            /* complete but for the deadline */
	struct conncount_claim claim; /* counters that its rules incremented */
	int64_t fresh_ttl_ns;         /* time to live of fresh */
	struct flow *displaced;       /* an entry that fresh replaces, or NULL */
	enum proof proof;             /* lookup_end_older() is to be called if it passes */
	bool is_unproved;             /* unproved is set: store it if the packet passes */
	struct unproved_pair unproved;
	bool is_ignored; /* accepted by the tracker, but not counted */
	bool is_held;    /* no decision yet: the segment waits for the other end's answer */
	bool must_drop;  /* whatever the verdict (late policy reject) */
	bool has_late;   /* the two below are set: it is a late close */
	struct late_event late;
	enum reason late_would[LATE_POLICIES_LEN]; /* the reason under each policy */
};

/* lookup.c: the tunables of a connection with these timeouts (struct flow_extra); *own: where to
 * make them. */
const struct tunables *lookup_tunables(const struct policy *policy, uint32_t timeouts,
                                       struct tunables *own);

/* lookup.c: finds the flow of a packet, runs its tracker and updates the entry. */
void lookup_packet(struct engine *e, const struct decoded *d, struct outcome *o);

/* lookup.c: the packet passes that proves the flow o->live: the connection of the tombstone beside
 * it is over. A packet that rules drop proves nothing, because the other end does not get it. */
void lookup_end_older(const struct decoded *d, const struct outcome *o);

/*
 * late.c: a segment of a key that has a tombstone beside its live entry, which is not proved. If it
 * belongs to the older connection, sets *o as late_segment() does and returns true: the older
 * connection is to be revived in place of the entry (o->wants_entry), or rejected by the late
 * policy, or to be refused, because it was deleted. Returns false, and sets nothing, otherwise.
 * live: the entry.
 */
bool late_reclaims(struct engine *e, const struct decoded *d, const struct flow *live,
                   struct outcome *o);

/* late.c: as above, of a segment that the live entry does not accept and that does not fit the
 * older connection either: it may pass unproved. */
bool late_excuses(struct engine *e, const struct decoded *d, struct outcome *o);

/* late.c: a FIN, RST or ACK without a live entry. Leaves reason at REASON_NONE for an ACK that fits
 * no remembered connection. */
void late_segment(struct engine *e, const struct decoded *d, struct outcome *o);

/* late.c: counts a late close under each policy and passes its event to the sink. judged: the
 * verdict before the setting `enforce`. */
void late_report(const struct decoded *d, struct outcome *o, enum verdict judged);

#endif
