/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the kernel's tracker: messages of a ctnetlink dump to structs.
 *
 * Pure and total. Each length is checked here; the values are not. libnetfilter_conntrack reads the
 * same messages, but aborts the program at an attribute of a wrong size.
 */
#ifndef FINWALL_WIRE_CONNTRACK_MSG_H
#define FINWALL_WIRE_CONNTRACK_MSG_H

#include <finwall/bytes.h>
#include <finwall/flowkey.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry. Ports are 0 for protocols without; of ICMP both tuples are as a packet has it. */
struct kernel_conn {
	struct tuple orig;  /* as the opener sends */
	struct tuple reply; /* of replies: the inverse, unless addresses are translated */
	uint32_t left_s;    /* time to live, rounded down */
	uint8_t has_left;   /* 0: left_s is absent, as for connections offloaded to a flow table */
	uint8_t seen_reply;
	uint8_t assured;
	uint8_t has_tcp; /* 0: the following fields are absent */
	uint8_t tcp_state;
	uint8_t tcp_scale[2]; /* by enum flow_dir */
	uint8_t tcp_flags[2]; /* the kernel's IP_CT_TCP_FLAG_* */
};

enum conntrack_result {
	CONNTRACK_END,   /* of the datagram; another one follows */
	CONNTRACK_ENTRY, /* *out is set */
	CONNTRACK_BAD,   /* a malformed message */
	CONNTRACK_OTHER, /* a message of another type or request */
	CONNTRACK_DONE,  /* the dump is complete */
	CONNTRACK_ERROR, /* the dump has failed: *error is the errno, or 0 */
};

/* Writes the request for all entries, with this sequence number. */
#define CONNTRACK_REQUEST_SIZE 20
void conntrack_put_request(uint32_t seq, uint8_t out[static CONNTRACK_REQUEST_SIZE]);

/*
 * Parses the next message of a datagram, and moves the cursor behind it. Messages with another
 * sequence number than seq are CONNTRACK_OTHER.
 */
enum conntrack_result conntrack_msg_next(struct cursor *datagram, uint32_t seq,
                                         struct kernel_conn *out, int *error);

/*
 * Reads both tuples of an entry's attributes, by enum flow_dir. Returns false, and leaves *out as it
 * was, when one is missing or malformed.
 */
bool conntrack_tuples(const uint8_t *attrs, size_t size, struct tuple out[2]);

#endif
