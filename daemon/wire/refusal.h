/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a rejected packet: a TCP reset, or an ICMP error that quotes the packet.
 *
 * RFC 9293 section 3.10.7.1 (reset), 1122 section 3.2.2, 1812 section 4.3.2, 4443 section 2.4 (ICMP
 * errors). Packet in, request out: no system call, no rate limit.
 */
#ifndef FINWALL_WIRE_REFUSAL_H
#define FINWALL_WIRE_REFUSAL_H

#include <finwall/engine.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the answer to a packet that is rejected in the manner of with. *quote_size is set to the
 * number of bytes from the beginning of the frame that the answer quotes; 0 for a reset. Returns
 * false when the packet must not be answered: a RST by a reset, an ICMP error, a fragment, a
 * malformed packet or one with a wrong checksum, one from or to a group of hosts.
 */
bool refusal_make(const struct frame *frame, enum reject_with with, struct raw_request *out,
                  uint32_t *quote_size);

#endif
