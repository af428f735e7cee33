/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the variant of the kernel's tracker. The version number is not sufficient, because the
 * change was backported to stable releases.
 */
#include "kern.h"
#include "step.h"

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <stdlib.h>

/* A handshake, and an inexact RST inside the window. */
static const struct step steps[] = {
	{ .from = END_A, .u.tcp = { .flags = TCP_SYN, .seq = 1000, .win = 5840 } },
	{ .from = END_B,
	  .u.tcp = { .flags = TCP_SYN | TCP_ACK, .seq = 5000, .ack = 1001, .win = 5840 } },
	{ .from = END_A, .u.tcp = { .flags = TCP_ACK, .seq = 1001, .ack = 5001, .win = 5840 } },
	{ .from = END_B, .u.tcp = { .flags = TCP_ACK, .seq = 5001, .ack = 1001, .win = 5840 } },
	{ .from = END_A, .u.tcp = { .flags = TCP_RST, .seq = 1101 } },
};

/* Older kernels set the 10 s of a closed connection, newer ones 300 s. */
#define OLD_LEFT_NS_MAX (10 * NSEC_PER_SEC)

enum kernel_variant kern_variant(struct kern *k)
{
	const struct ends e = {
		.addr = { { .bytes = { 10, 1, 0, 1 } }, { .bytes = { 10, 2, 0, 1 } } },
		.port = { 1000, 80 },
		.proto = IPPROTO_NR_TCP,
		.family = 4,
	};
	uint8_t *packet = malloc(STEP_PACKET_MAX);
	struct view v = { .exists = false };
	struct sighting seen;
	struct tuple flow;

	if (packet == NULL) {
		return KERNEL_NEWEST;
	}
	ends_tuple(&e, END_A, &flow);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		kern_inject(k, packet, step_build(&e, &steps[i], packet), &seen);
	}
	kern_find(k, &flow, &v);
	kern_delete(k, &flow);
	free(packet);
	return v.exists && v.left_ns <= OLD_LEFT_NS_MAX ? KERNEL_6_18 : KERNEL_NEWEST;
}
