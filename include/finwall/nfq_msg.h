/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink messages of a packet queue: datagrams to packets, decisions to verdict messages.
 *
 * Accepts any bytes: each message has a named result, and a packet whose number is readable can be
 * given a verdict whatever else is wrong with its message. Layouts:
 * linux/netfilter/nfnetlink_queue.h.
 */
#ifndef FINWALL_NFQ_MSG_H
#define FINWALL_NFQ_MSG_H

#include <finwall/bytes.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a packet message besides the packet's; twice the maximum of kernel 6.18. */
#define NFQ_MSG_OVERHEAD 512

/* More of them when the kernel attaches its connection state (NFQA_CFG_F_CONNTRACK). */
#define NFQ_MSG_CT_OVERHEAD 1024

/* Sizes of one verdict message. */
#define NFQ_VERDICT_SIZE      32
#define NFQ_VERDICT_MARK_SIZE 40

/* The result of reading a message. */
/* clang-format off */
#define FINWALL_NFQ_RESULTS(X) \
	X(NFQ_MSG_PACKET,     "packet",       "packet") \
	X(NFQ_MSG_ERROR,      "error",        "kernel's reply to a message; errno 0 is an acknowledgement") \
	X(NFQ_MSG_OTHER,      "other",        "valid message that is ignored") \
	X(NFQ_MSG_END,        "end",          "end of the datagram") \
	/* malformed, the rest of the datagram is skipped */ \
	X(NFQ_MSG_SHORT,      "short",        "message header truncated") \
	X(NFQ_MSG_LENGTH,     "length",       "length field below the header's size or beyond the datagram") \
	/* malformed, the next message can be read */ \
	X(NFQ_MSG_BODY,       "body",         "fixed part truncated, or invalid errno") \
	X(NFQ_MSG_ATTR,       "attribute",    "attribute with a wrong size") \
	X(NFQ_MSG_NO_ID,      "no-id",        "packet without a number: no verdict is possible") \
	X(NFQ_MSG_NO_PAYLOAD, "no-payload",   "packet without payload") \
	X(NFQ_MSG_CAP_LEN,    "capture-size", "packet shorter than its copied bytes") \
	X(NFQ_MSG_HOOK,       "hook",         "packet from a hook other than input, forward, output") \
	X(NFQ_MSG_FAMILY,     "family",       "packet of a family other than IPv4 and IPv6")
/* clang-format on */

enum nfq_result {
#define X(id, name, text) id,
	FINWALL_NFQ_RESULTS(X)
#undef X
		NFQ_RESULTS_LEN,
};

const char *nfq_result_name(enum nfq_result r);
const char *nfq_result_text(enum nfq_result r);

struct nfq_pkt {
	struct frame frame;      /* valid for NFQ_MSG_PACKET; borrows the datagram */
	uint64_t stamp_ns;       /* when the kernel received it, wall clock; 0 = unknown */
	uint32_t id;             /* the packet's number in its queue, if id_is_known */
	uint32_t seq;            /* NFQ_MSG_ERROR: of the message that it refers to */
	int32_t error;           /* NFQ_MSG_ERROR: a positive errno, or 0 */
	uint32_t ctinfo;         /* enum ip_conntrack_info, if ctinfo_is_known */
	uint16_t queue;          /* if id_is_known */
	uint8_t id_is_known;     /* a verdict must be sent */
	uint8_t is_truncated;    /* the message was truncated */
	uint8_t ctinfo_is_known; /* the kernel attached its connection state */
};

/*
 * Reads the next message of the datagram, to be called until it returns NFQ_MSG_END. Always moves
 * the cursor on, which need not be aligned.
 */
enum nfq_result nfq_msg_next(struct cursor *datagram, struct nfq_pkt *out);

/* A buffer of verdict messages; the memory is the caller's. */
struct nfq_out {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

/* Append a message. Return false, and change nothing, when the buffer is full. nf_verdict:
 * NF_ACCEPT, NF_DROP ... */
bool nfq_put_verdict(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict);
bool nfq_put_verdict_mark(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict,
                          uint32_t mark);

#endif
