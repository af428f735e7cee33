/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Supervision of the raw packet sender (io/rawsend.h): started when a configuration first has a
 * rule or setting that sends raw packets, restarted when it exits, running until the daemon stops.
 * Main thread only.
 */
#ifndef FINWALL_RAW_SENDER_H
#define FINWALL_RAW_SENDER_H

#include "io/rawsend.h"
#include "refusals.h"

#include <finwall/engine.h>

struct log;

/* Initialise with RAW_SENDER_NONE. */
struct raw_sender {
	struct rawsend raw; /* its fd stays the same over restarts */
	struct mono started;
	uint32_t restarts;
	uint32_t mark; /* of its packets; set before the first start */
	uint32_t mask; /* the bits of it that hook rules test; not used here */
	struct refusal_limits limits;
};

#define RAW_SENDER_NONE ((struct raw_sender){ .raw = { .fd = -1 } })

/* Starts the process if the policy may send raw packets and it has not been started. Logs a
 * failure, after which raw.fd is -1. */
void raw_sender_require(struct raw_sender *s, const struct policy *p, struct mono now,
                        struct log *log);

/* Starts it whatever the policy is, if it has not been started. */
void raw_sender_start(struct raw_sender *s, struct mono now, struct log *log);

/* Restarts a process that has exited, at most once in five seconds, and logs both. */
void raw_sender_tick(struct raw_sender *s, struct mono now, struct log *log);

void raw_sender_stop(struct raw_sender *s);

#endif
