/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side: a network namespace that forwards packets from one tun device to another, with
 * the tracker enabled.
 *
 * A packet is sent by a write to the first device. When write() returns it has passed PREROUTING,
 * FORWARD and POSTROUTING, where a new entry is committed. Log rules after the tracker report its
 * state over nfnetlink_log; entries are read over ctnetlink, by tuple. No program is executed per
 * packet.
 */
#ifndef ORACLE_KERN_H
#define ORACLE_KERN_H

#include "view.h"

#include <stddef.h>
#include <stdint.h>

struct kern;

/*
 * Moves the process into a new namespace. Returns NULL with the reason in *why if privileges or
 * kernel features are missing; the caller then skips.
 */
struct kern *kern_new(const char **why);
void kern_free(struct kern *k);

/* Sends one packet. Returns 0 or -errno. */
int kern_inject(struct kern *k, const uint8_t *packet, size_t size, struct sighting *out);

/*
 * Waits until the packet has left on the other device, and reads it. Needed only if something in
 * the path delays it. Returns 0, also after timeout_ms without a packet, or -errno.
 */
int kern_wait_out(struct kern *k, int timeout_ms);

/* Writes a setting (a row of sysctls_table). */
int kern_set(struct kern *k, size_t setting_nr, uint32_t value);

/* Reads the entry of a tuple, in either direction. A missing entry is not an error. */
int kern_find(struct kern *k, const struct tuple *t, struct view *out);

/* Deletes the entry of a tuple if it exists; or all entries. */
int kern_delete(struct kern *k, const struct tuple *t);
int kern_flush(struct kern *k);

/* The variant that this kernel's tracker implements, found by a test. */
enum kernel_variant kern_variant(struct kern *k);

/* Loads nft rules in the current namespace. Returns 0 or -errno. */
int kern_load_rules(const char *rules);

/* Calls `each` for every entry, with the tuple of its original direction. */
typedef void kern_each_fn(void *ctx, const struct tuple *t, const struct view *v);
int kern_dump(struct kern *k, kern_each_fn *each, void *ctx);

#endif
