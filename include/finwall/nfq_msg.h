/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue's netlink messages: datagrams to packets, decisions to verdict messages.
 *
 * Pure and total: any bytes give a named result, and a packet whose number could be read gets a
 * verdict whatever else is wrong with its message. Layouts: linux/netfilter/nfnetlink_queue.h.
 */
#ifndef FINWALL_NFQ_MSG_H
#define FINWALL_NFQ_MSG_H

#include <finwall/bytes.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that a packet message needs besides the bytes of the packet; twice what 6.18 can send. */
#define NFQ_MSG_OVERHEAD 512

/* And besides when the kernel tells of its own tracking (NFQA_CFG_F_CONNTRACK). */
#define NFQ_MSG_CT_OVERHEAD 1024

/* Sizes of one verdict message. */
#define NFQ_VERDICT_SIZE      32
#define NFQ_VERDICT_MARK_SIZE 40

/* What a message turned out to be. */
/* clang-format off */
#define FINWALL_NFQ_RESULTS(X) \
	X(NFQ_MSG_PACKET,     "packet",       "a packet, complete") \
	X(NFQ_MSG_ERROR,      "error",        "the kernel's answer to a message of ours; errno 0 is an acknowledgement") \
	X(NFQ_MSG_OTHER,      "other",        "a well-formed message of no interest") \
	X(NFQ_MSG_END,        "end",          "nothing left in the datagram") \
	/* malformed, the rest of the datagram is given up */ \
	X(NFQ_MSG_SHORT,      "short",        "less than a message header is left") \
	X(NFQ_MSG_LENGTH,     "length",       "length field below the header's size or beyond the datagram") \
	/* malformed, the next message can be read */ \
	X(NFQ_MSG_BODY,       "body",         "fixed part not whole, or an impossible errno") \
	X(NFQ_MSG_ATTR,       "attribute",    "attribute of a wrong size") \
	X(NFQ_MSG_NO_ID,      "no-id",        "a packet without its number: nothing can be answered") \
	X(NFQ_MSG_NO_PAYLOAD, "no-payload",   "a packet without its bytes") \
	X(NFQ_MSG_CAP_LEN,    "capture-size", "a packet shorter than its copy") \
	X(NFQ_MSG_HOOK,       "hook",         "a packet from another hook than input, forward, output") \
	X(NFQ_MSG_FAMILY,     "family",       "a packet of another family than IPv4 and IPv6")
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
	uint64_t stamp_ns;       /* when the kernel received it, wall clock; 0 = not told */
	uint32_t id;             /* the packet's number in its queue, where id_is_known */
	uint32_t seq;            /* NFQ_MSG_ERROR: of the message that it answers */
	int32_t error;           /* NFQ_MSG_ERROR: a positive errno, or 0 */
	uint32_t ctinfo;         /* enum ip_conntrack_info, where ctinfo_is_known */
	uint16_t queue;          /* where id_is_known */
	uint8_t id_is_known;     /* a verdict can and must be given */
	uint8_t is_truncated;    /* the message's end was missing */
	uint8_t ctinfo_is_known; /* the kernel told what its tracker made of the packet */
};

/*
 * Takes one message off the datagram. Call it until it returns NFQ_MSG_END. Always moves on; the
 * cursor's alignment does not matter.
 */
enum nfq_result nfq_msg_next(struct cursor *datagram, struct nfq_pkt *out);

/* Verdict messages, one after the other, in memory of the caller. */
struct nfq_out {
	uint8_t *data;
	size_t size;
	size_t room_size;
};

/* Append one; false, and nothing changed, when there is no room. nf_verdict: NF_ACCEPT, NF_DROP...
 */
bool nfq_put_verdict(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict);
bool nfq_put_verdict_mark(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict,
                          uint32_t mark);

#endif
