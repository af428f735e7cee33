/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of the kernel's own tracker, as ctnetlink tells them: messages of a dump to structs.
 *
 * Each length is checked here; what an entry means is not judged. libnetfilter_conntrack reads the
 * same, but ends the program at a number that is not as long as it should be.
 */
#ifndef FINWALL_WIRE_CONNTRACK_MSG_H
#define FINWALL_WIRE_CONNTRACK_MSG_H

#include <finwall/bytes.h>
#include <finwall/flowkey.h>

#include <stddef.h>
#include <stdint.h>

/* An entry. Ports are 0 where the protocol has none; of ICMP both tuples are as a packet has it. */
struct kernel_conn {
	struct tuple orig;  /* as the opener sends */
	struct tuple reply; /* as answers come: the inverse, unless addresses are translated */
	uint32_t left_s;    /* time to live, rounded down */
	uint8_t has_left;   /* 0: not told, as for what a flow table has taken off the kernel's path
	                     */
	uint8_t seen_reply;
	uint8_t assured;
	uint8_t has_tcp; /* 0: nothing of the rest was told */
	uint8_t tcp_state;
	uint8_t tcp_scale[2]; /* by enum flow_dir */
	uint8_t tcp_flags[2]; /* the kernel's bits */
};

enum conntrack_result {
	CONNTRACK_END,   /* of the datagram: another one follows */
	CONNTRACK_ENTRY, /* *out is set */
	CONNTRACK_BAD,   /* a message that cannot be understood */
	CONNTRACK_OTHER, /* a message that is about something else */
	CONNTRACK_DONE,  /* the dump is complete */
	CONNTRACK_ERROR, /* the kernel gave it up: *error is the errno, or 0 */
};

/* The request for all entries, with this number. Writes CONNTRACK_REQUEST_SIZE bytes. */
#define CONNTRACK_REQUEST_SIZE 20
void conntrack_put_request(uint32_t seq, uint8_t out[static CONNTRACK_REQUEST_SIZE]);

/* Takes the next message off a datagram. Messages with another number than seq are OTHER. */
enum conntrack_result conntrack_msg_next(struct cursor *datagram, uint32_t seq,
                                         struct kernel_conn *out, int *error);

#endif
