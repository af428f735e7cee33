/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The segments that finwall sends itself: the resets and probes of late and idle policies. What a
 * `reject` answers is not made here; hookmark.h has that.
 *
 * A raw request as the bytes of an IP packet: IPv4 or IPv6 header, bare TCP header, checksums.
 */
#ifndef FINWALL_WIRE_RAW_PACKET_H
#define FINWALL_WIRE_RAW_PACKET_H

#include <finwall/engine.h>

#include <stddef.h>
#include <stdint.h>

/* IPv6 and TCP header without options. */
#define RAW_PACKET_SIZE 60

/*
 * Writes the packet of *req to out. Returns its size, or 0 with nothing written when the family or
 * the kind is invalid. Total: *req may hold any bytes.
 */
size_t raw_packet_write(const struct raw_request *req, uint8_t out[static RAW_PACKET_SIZE]);

#endif
