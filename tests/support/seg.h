/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments without bytes, and a driver that calls tcp_track() as the engine does, for tests of
 * the tracker alone.
 */
#ifndef FINWALL_TESTS_SEG_H
#define FINWALL_TESTS_SEG_H

#include "core/tcp_track.h"

#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ends of a connection; either may open it. */
enum end {
	END_A,
	END_B,
};

/* A segment of this class and these numbers; opts are borrowed. */
struct pkt seg_make(unsigned flags, uint32_t seq, uint32_t ack, uint32_t payload_size, unsigned win,
                    const uint8_t *opts, size_t opts_size);

/* The class of a set of flags; section 3. */
enum tcp_class seg_class(unsigned flags);

/* The kernel's default settings, typed in from its documentation; section 13. */
struct tunables seg_tunables(void);

struct seg_conn {
	bool exists;
	enum end orig; /* who opened it */
	struct tcp_conn t;
	unsigned status;
	struct mono now;
	struct mono deadline;
	struct tunables tun;
	/* about the last segment */
	enum track_verdict verdict;
	struct track_effect fx;
	enum ct_state state;
	unsigned repeats;
};

void seg_conn_init(struct seg_conn *c);

/* One segment from that end; results are in c. */
void seg_send(struct seg_conn *c, enum end from, const struct pkt *p);

/* Time to live left, in nanoseconds; 0 when there is no entry. */
int64_t seg_left(const struct seg_conn *c);

#endif
