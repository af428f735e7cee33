/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall's side: the same rules, converted from iptables where necessary, in an engine in this
 * process that is configured to behave as the kernel.
 */
#ifndef RULES_SIDE_H
#define RULES_SIDE_H

#include <finwall/engine.h>

#include "kernel.h"

#include <stddef.h>
#include <stdint.h>

struct side;

/* Converts and loads the rules, with the sets of "ipset save" unless ipsets is NULL. Returns NULL
 * on an error, which is printed to standard error. */
struct side *side_new(const char *name, enum kernel_rules kind, const char *rules,
                      const char *ipsets, struct mono now);
void side_free(struct side *s);

/* Follows this variant of the kernel's tracker. */
void side_follow(struct side *s, enum kernel_variant variant);

/*
 * Replaces the rules; connections stay. Returns false with the errors, malloc'd, in *errors if they
 * are refused.
 */
bool side_reload(struct side *s, struct mono now, const char *rules, char **errors);

/* Sets the name of an interface index in the rules. */
void side_iface(struct side *s, uint32_t ifindex, const char *name);

/* Reads the routes of this process's network namespace for `fib`. Returns false on an error. */
bool side_read_routes(struct side *s);

/* Returns true for another packet of a connection that is not answered. */
bool side_is_unanswered(struct side *s, struct mono now, const struct frame *frame);

/* Deletes the packet's connection. */
void side_forget(struct side *s, struct mono now, const struct frame *frame);

void side_decide(struct side *s, struct mono now, const struct frame *frame, struct decision *out);

#endif
