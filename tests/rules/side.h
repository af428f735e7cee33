/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall's side: the same rules, imported where they are of iptables, in an engine in this process
 * that behaves as the kernel.
 */
#ifndef RULES_SIDE_H
#define RULES_SIDE_H

#include <finwall/engine.h>

#include "bed.h"

#include <stddef.h>
#include <stdint.h>

struct side;

/* Takes the rules. NULL when something cannot be expressed or loaded,
 * which is told on standard error. */
struct side *side_new(const char *name, enum bed_rules kind, const char *rules, struct mono now);
void side_free(struct side *s);

/* Tells the rules of an interface. */
void side_iface(struct side *s, uint32_t ifindex, const char *name);

/* Whether the packet is one more of a connection that nobody has answered. */
bool side_is_unanswered(struct side *s, struct mono now, const struct frame *frame);

/* Forgets the packet's connection. */
void side_forget(struct side *s, struct mono now, const struct frame *frame);

void side_judge(struct side *s, struct mono now, const struct frame *frame, struct decision *out);

#endif
