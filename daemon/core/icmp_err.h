/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet quoted by an ICMP or ICMPv6 error: only its tuple matters (RFC 792, 4443
 * section 2.4c).
 */
#ifndef FINWALL_CORE_ICMP_ERR_H
#define FINWALL_CORE_ICMP_ERR_H

#include <finwall/bytes.h>
#include <finwall/flowkey.h>
#include <finwall/reason.h>

/*
 * Reads the tuple of the IP packet at the cursor. Does not check its version, lengths, checksum and
 * TTL, which a router may have changed. family is 4 or 6. Returns REASON_NONE, or REASON_ICMP_QUOTE
 * when it is truncated or a later fragment.
 */
enum reason icmp_quote_decode(struct cursor c, uint8_t family, struct tuple *out);

#endif
