/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP segment that finwall itself wants sent: a reset, or a keepalive that asks whether an end is
 * alive.
 *
 * Fixed size, no pointers: it crosses a socket pair to the process that may send raw packets and
 * can do nothing else. Neither kind has payload or options.
 */
#ifndef FINWALL_RAW_REQUEST_H
#define FINWALL_RAW_REQUEST_H

#include <finwall/flowkey.h>

#include <stdint.h>

enum raw_kind {
	RAW_RESET, /* RST: ends the receiver's socket, if seq is what it expects next (RFC 5961) */
	RAW_KEEPALIVE, /* ACK one below what the receiver expects: it must answer (RFC 9293, 3.8.4)
	                */
	RAW_KINDS_LEN,
};

struct raw_request {
	struct tuple tuple; /* src: the end that is spoken for; dst: the receiver */
	uint32_t seq;
	uint32_t ack;  /* RAW_KEEPALIVE */
	uint16_t win;  /* RAW_KEEPALIVE: raw window, as the end that is spoken for last offered at
	                  most */
	uint16_t kind; /* enum raw_kind */
};

#endif
