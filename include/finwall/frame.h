/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame: one IP packet as the kernel (or a capture) handed it over. Bytes and facts, nothing
 * decoded.
 */
#ifndef FINWALL_FRAME_H
#define FINWALL_FRAME_H

#include <stdint.h>

/* Where the packet was caught. The order is that of the base chains in ruleset.h. */
enum hook {
	HOOK_INPUT,
	HOOK_FORWARD,
	HOOK_OUTPUT,
	HOOKS_LEN,
};

/* What is known of the transport checksum. */
enum frame_csum {
	CSUM_TRUSTED,    /* checked by the device, or to be filled in later: counts as good */
	CSUM_UNVERIFIED, /* nobody looked yet */
};

struct frame {
	const uint8_t *data; /* the first byte of the IP header; borrowed */
	uint32_t cap_size;   /* bytes that were copied */
	uint32_t true_size;  /* bytes that the packet has, from the IP header on */
	uint32_t iif;        /* interface index it came in by, 0 = none (output) */
	uint32_t oif;        /* interface index it goes out by, 0 = none (input) */
	uint32_t mark;       /* the packet's mark in the kernel */
	uint8_t hook;        /* enum hook */
	uint8_t csum;        /* enum frame_csum */
};

#endif
