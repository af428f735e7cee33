/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel fast path in front of the engine: the real program runs on each packet
 * (BPF_PROG_TEST_RUN), and the engine gets those that it does not accept. Leases are taken back and
 * made stale at random.
 *
 * A second engine without leases gets all packets. After each one the connection must be the same
 * in both: all bytes of the windows, status and time to live.
 *
 * The program must also accept what it can: a packet of a valid lease that the engine tracks, and
 * that has the shape and class that the program reads. So it cannot pass by leaving all to the
 * queue. And it must not accept the same bytes in another shape.
 */
#ifndef ORACLE_LEASED_H
#define ORACLE_LEASED_H

#include <finwall/engine.h>
#include <finwall/frame.h>

#include <stdint.h>

struct leased;

/* engine: with the worker that decides its packets. plain: a zeroed engine of the same size.
 * Returns NULL with the reason in *why. */
struct leased *leased_new(struct engine *engine, struct engine_worker *worker, struct engine *plain,
                          struct engine_worker *plain_worker, uint64_t seed, const char **why);
void leased_free(struct leased *l);

/* To be called after a change of the settings. */
void leased_settings(struct leased *l, const struct tunables *tun);

/* What leased_decide() returns where the entry is due in one engine only: the clocks differ. */
extern const char leased_uncertain[];

/* Decides a packet in both ways. Returns NULL, or what differs. */
const char *leased_decide(struct leased *l, struct mono now, const struct frame *frame,
                          struct decision *out);

struct leased_counts {
	uint64_t packets;
	uint64_t passed; /* by the program */
	uint64_t granted;
	uint64_t taken;
};
void leased_count(const struct leased *l, struct leased_counts *out);

#endif
