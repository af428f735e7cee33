/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame: one IP packet of the kernel or of a capture, not decoded.
 */
#ifndef FINWALL_FRAME_H
#define FINWALL_FRAME_H

#include <stdint.h>

/* Where the packet was queued. The order is that of the base chains in ruleset.h. */
enum hook {
	HOOK_INPUT,
	HOOK_FORWARD,
	HOOK_OUTPUT,
	HOOKS_LEN,
};

/* The state of the transport checksum. */
enum frame_csum {
	CSUM_TRUSTED,    /* verified by the device, or filled in later: counts as correct */
	CSUM_UNVERIFIED, /* not verified yet */
};

#define FRAME_HAS_CT    0x01u
#define FRAME_HAS_UID   0x02u
#define FRAME_HAS_GID   0x04u
#define FRAME_HAS_ETHER 0x08u

struct frame {
	const uint8_t *data; /* the first byte of the IP header; borrowed */
	uint32_t cap_size;   /* bytes that were copied */
	uint32_t true_size;  /* bytes that the packet has, from the IP header on */
	uint32_t iif;        /* index of the input interface, 0 = none (output) */
	uint32_t oif;        /* index of the output interface, 0 = none (input) */
	uint32_t mark;       /* the packet's mark in the kernel */
	uint8_t hook;        /* enum hook */
	uint8_t csum;        /* enum frame_csum */
	uint8_t was_held;    /* 1: held before (engine_sink.hold), and now to be decided for good */
	/* Of the kernel's tracker and socket, where they are known. */
	uint8_t has;       /* FRAME_HAS_* */
	uint8_t ct_status; /* the lower bits of IPS_* */
	uint16_t ct_size; /* of its entry as the queue has it, ct_at bytes from data on; 0 = none */
	uint8_t ether_src[6]; /* of the link-layer header; of the output hook never */
	uint32_t uid;
	uint32_t gid;
	int32_t ct_at;
};

#endif
