/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall's side: the engine in this process, one packet at a time, configured to behave as the
 * kernel.
 */
#ifndef ORACLE_SIDE_H
#define ORACLE_SIDE_H

#include "view.h"

#include <finwall/flow.h>
#include <finwall/frame.h>
#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

struct decision;
struct side;

/* Returns NULL if memory runs out. */
struct side *side_new(uint32_t flows_max, struct mono now);
void side_free(struct side *t);

/* The settings, which may be changed between packets. */
struct tunables *side_tunables(struct side *t);

/*
 * Puts the kernel fast path in front of the engine (leased.h), and takes the rule that drops away.
 * Returns false with the reason in *why.
 */
bool side_use_program(struct side *t, uint64_t seed, const char **why);

/* To be called after a change of side_tunables(). */
void side_settings_changed(struct side *t);

/* What the kernel fast path has changed in the last decision, or NULL. */
const char *side_difference(struct side *t);

struct leased;
/* NULL without the kernel fast path. */
const struct leased *side_leased(const struct side *t);

/* Decides a packet of which the first cap_size bytes were copied. */
void side_inject(struct side *t, struct mono now, const uint8_t *packet, size_t size,
                 size_t cap_size, struct sighting *out);

/* Builds the frame of a packet; decides frames in one call. */
struct frame side_frame(const uint8_t *packet, size_t size, size_t cap_size);
void side_batch(struct side *t, struct mono now, const struct frame *frames, size_t len,
                struct decision *out);

/* Copies the live flow of a tuple; *dir is the tuple's direction. */
bool side_flow(struct side *t, const struct tuple *tuple, struct mono now, struct flow *out,
               enum flow_dir *dir);

/* The same as the fields that are compared. */
void side_find(struct side *t, const struct tuple *tuple, struct mono now, struct view *out);

/* The number of packets with this reason. */
uint64_t side_reason_count(const struct side *t, enum reason reason);

/* The packet's own tuple. Returns false if it has none. */
bool side_packet_tuple(const uint8_t *packet, size_t size, struct tuple *out);

/* The number of live flows. */
uint64_t side_flows_len(struct side *t);

void side_delete(struct side *t, const struct tuple *tuple, struct mono now);
void side_flush(struct side *t, struct mono now);

/* Calls `each` for every live flow, with the tuple of its original direction. */
typedef void side_each_fn(void *ctx, const struct tuple *t, const struct view *v);
void side_dump(struct side *t, struct mono now, side_each_fn *each, void *ctx);

#endif
