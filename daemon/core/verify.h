/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A late segment is proved by its other end: the segment is held, the other end is probed.
 * doc/late-close.md. The caller holds the lock of the packet's shard.
 */
#ifndef FINWALL_CORE_VERIFY_H
#define FINWALL_CORE_VERIFY_H

#include "slowpath.h"

/*
 * Judges a segment by the answer of its other end. Returns REASON_LATE_VERIFIED with the answer in
 * *answer; REASON_NONE when the segment is held until there is one; or why it is refused. dir: its
 * direction, for the rules. fits: it fits a remembered connection, and takes nothing from the rate
 * that all share.
 */
enum reason verify_segment(struct engine *e, const struct decoded *d, enum flow_dir dir, bool fits,
                           struct question *answer);

/* The same without asking, and without effects. Returns REASON_LATE_NOT_PROBED without an answer.
 */
enum reason verify_known(const struct decoded *d);

/* True when the packet is the answer to a question, which is consumed; sets *o then. */
bool verify_hear(const struct decoded *d, struct outcome *o);

#endif
