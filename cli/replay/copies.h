/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of a packet in a capture of all interfaces: `tcpdump -i any` captures a forwarded packet
 * where it enters and where it leaves, and a bridged one on each device. Only the first is what the
 * filter sees. Knows no engine.
 *
 * A packet is a copy if the same one, but for what a router changes (TTL, hop limit, header
 * checksum), was captured elsewhere less than COPIES_WINDOW_NS ago. Seen again at the same place,
 * it is a retransmission. A translated packet is not recognised.
 */
#ifndef FINWALL_CLI_REPLAY_COPIES_H
#define FINWALL_CLI_REPLAY_COPIES_H

#include "wire/link.h"

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

#define COPIES_WINDOW_NS (500 * NSEC_PER_MSEC)

struct copies;

/* Returns NULL when memory runs out. */
struct copies *copies_new(void);
void copies_free(struct copies *c);

/*
 * Notes a packet with a place (link_packet.place; 0: never a copy), captured at time_ns. Returns
 * true if it is a copy of an earlier one.
 */
bool copies_add(struct copies *c, const struct link_packet *p, int64_t time_ns);

#endif
