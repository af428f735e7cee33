/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side: a network namespace of the oracle's own in which packets are forwarded from
 * one tun device to another, with the tracker on.
 *
 * A packet goes in by a write to the first device and has come out of PREROUTING, FORWARD and
 * POSTROUTING (where a new entry is committed) when write() returns. Log rules behind the tracker
 * tell its verdict over nfnetlink_log; entries are read over ctnetlink, by tuple. Nothing is
 * executed per packet.
 */
#ifndef ORACLE_KERN_H
#define ORACLE_KERN_H

#include "view.h"

#include <stddef.h>
#include <stdint.h>

struct kern;

/*
 * Moves the whole process into the new namespace. Returns NULL when rights or parts of the kernel
 * are missing, with the reason in *why; the caller then skips.
 */
struct kern *kern_new(const char **why);
void kern_free(struct kern *k);

/* Sends one packet through. Returns 0 or -errno. */
int kern_inject(struct kern *k, const uint8_t *packet, size_t size, struct sighting *out);

/*
 * Waits until the packet has left at the other end, and takes it away. Only needed when something
 * on the way makes it wait. Returns 0, also when nothing came within timeout_ms, or -errno.
 */
int kern_wait_out(struct kern *k, int timeout_ms);

/* Writes a setting (a name from sysctls_table). */
int kern_set(struct kern *k, size_t setting_nr, uint32_t value);

/* Reads the entry of a tuple, in either direction. A missing one is not an error. */
int kern_find(struct kern *k, const struct tuple *t, struct view *out);

/* Deletes the entry of a tuple, if there is one; or all of them. */
int kern_delete(struct kern *k, const struct tuple *t);
int kern_flush(struct kern *k);

/* Which kernel's tracker this one's is alike, where they differ; found out by trying. */
enum kernel_variant kern_variant(struct kern *k);

/* Loads nft rules in the present namespace. Returns 0 or -errno. */
int kern_load_rules(const char *rules);

/* Calls each for every entry, with the tuple of its original direction. */
typedef void kern_each_fn(void *ctx, const struct tuple *t, const struct view *v);
int kern_dump(struct kern *k, kern_each_fn *each, void *ctx);

#endif
