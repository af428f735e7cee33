/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets that finwall sends itself: answers to rejected packets (refusal.h), the resets and
 * probes of late and idle policies.
 *
 * A raw request as bytes: an IP packet with a bare TCP header, or an ICMP error.
 */
#ifndef FINWALL_WIRE_RAW_PACKET_H
#define FINWALL_WIRE_RAW_PACKET_H

#include <finwall/engine.h>

#include <stddef.h>
#include <stdint.h>

/* IPv6 and TCP header with timestamps. */
#define RAW_PACKET_SIZE 72

#define RAW_ERROR_HEADER_SIZE 8

/*
 * Bytes of a packet that an error quotes, at most: the error has 576 bytes with its IPv4 header
 * (RFC 1812, section 4.3.2.3), 1280 with its IPv6 header (RFC 4443, section 2.4c).
 */
#define RAW_QUOTE_MAX_IP4 548u
#define RAW_QUOTE_MAX_IP6 1232u
#define RAW_ERROR_SIZE    (RAW_ERROR_HEADER_SIZE + RAW_QUOTE_MAX_IP6)

/*
 * Writes the IP packet of a request other than RAW_ERROR to out. Returns its size, or 0 with
 * nothing written when the family or the kind is invalid. Total: *req may hold any bytes.
 */
size_t raw_packet_write(const struct raw_request *req, uint8_t out[static RAW_PACKET_SIZE]);

/*
 * Writes the ICMP or ICMPv6 message of a RAW_ERROR, without an IP header, to out; quote_size <=
 * RAW_QUOTE_MAX_IP6. The kernel fills in the checksum of ICMPv6. Returns its size, or 0 when the
 * request is no error, or its family has no such error. Total in *req.
 */
size_t raw_error_write(const struct raw_request *req, const uint8_t *quote, size_t quote_size,
                       uint8_t out[static RAW_ERROR_SIZE]);

#endif
