/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall's side: the engine in this process, one packet at a time, configured to behave as the
 * kernel.
 */
#ifndef ORACLE_TWIN_H
#define ORACLE_TWIN_H

#include "view.h"

#include <finwall/flow.h>
#include <finwall/frame.h>
#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

struct decision;
struct twin;

/* Returns NULL if memory runs out. */
struct twin *twin_new(uint32_t flows_max, struct mono now);
void twin_free(struct twin *t);

/* The settings, which may be changed between packets. */
struct tunables *twin_tunables(struct twin *t);

/* Decides a packet of which the first cap_size bytes were copied. */
void twin_inject(struct twin *t, struct mono now, const uint8_t *packet, size_t size,
                 size_t cap_size, struct sighting *out);

/* Builds the frame of a packet; decides frames in one call. */
struct frame twin_frame(const uint8_t *packet, size_t size, size_t cap_size);
void twin_batch(struct twin *t, struct mono now, const struct frame *frames, size_t len,
                struct decision *out);

/* Copies the live flow of a tuple; *dir is the tuple's direction. */
bool twin_flow(struct twin *t, const struct tuple *tuple, struct mono now, struct flow *out,
               enum flow_dir *dir);

/* The same as the fields that are compared. */
void twin_find(struct twin *t, const struct tuple *tuple, struct mono now, struct view *out);

/* The number of packets with this reason. */
uint64_t twin_reason_count(const struct twin *t, enum reason reason);

/* The packet's own tuple. Returns false if it has none. */
bool twin_packet_tuple(const uint8_t *packet, size_t size, struct tuple *out);

/* The number of live flows. */
uint64_t twin_flows_len(struct twin *t);

void twin_delete(struct twin *t, const struct tuple *tuple, struct mono now);
void twin_flush(struct twin *t, struct mono now);

/* Calls `each` for every live flow, with the tuple of its original direction. */
typedef void twin_each_fn(void *ctx, const struct tuple *t, const struct view *v);
void twin_dump(struct twin *t, struct mono now, twin_each_fn *each, void *ctx);

#endif
