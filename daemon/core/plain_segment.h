/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of the packets that need only the window check: shared by the fast path (fastpath.c)
 * and the kernel fast path (daemon/bpf/fastpath.bpf.c).
 */
#ifndef FINWALL_CORE_PLAIN_SEGMENT_H
#define FINWALL_CORE_PLAIN_SEGMENT_H

#include "tcp_window.h"

#include <finwall/bytes.h>
#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#define IP4_SIZE 20
#define IP6_SIZE 40
#define TCP_SIZE 20

/* TCP header with the timestamp option. */
#define STAMPED_SIZE (TCP_SIZE + 12)

/*
 * Size of the header of a segment of the common shape (data or acknowledgement), 0 for any other.
 * Data offset and flags are compared at once.
 */
static ALWAYS_INLINE size_t common_size(const uint8_t *tcp, size_t cap_size)
{
	unsigned offset_and_flags = load_be16(tcp + 12) & (0xf0ff & ~(TCP_PSH | TCP_ECE | TCP_CWR));

	if (offset_and_flags == (STAMPED_SIZE / 4 << 12 | TCP_ACK) && cap_size >= STAMPED_SIZE &&
	    opts_are_plain(tcp + TCP_SIZE, STAMPED_SIZE - TCP_SIZE)) {
		return STAMPED_SIZE;
	}
	return offset_and_flags == (TCP_SIZE / 4 << 12 | TCP_ACK) ? TCP_SIZE : 0;
}

static inline uint32_t load_word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The last word of a key. */
static inline uint64_t ports_word(uint8_t proto, uint8_t family, uint64_t lo_port, uint64_t hi_port)
{
	const struct flowkey rest = { .proto = proto, .family = family };

	return flowkey_ports(&rest) | lo_port | hi_port << 16;
}

#endif
