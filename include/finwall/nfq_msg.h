/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink messages of a packet queue: datagrams to packets, decisions to verdict messages.
 *
 * Pure and total: any bytes give a result, and a packet whose id could be read can get a verdict,
 * however malformed its message is. Layouts: linux/netfilter/nfnetlink_queue.h.
 */
#ifndef FINWALL_NFQ_MSG_H
#define FINWALL_NFQ_MSG_H

#include <finwall/bytes.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a packet message without the packet: at most; twice those of Linux 6.18. */
#define NFQ_MSG_OVERHEAD 512

/* More bytes with NFQA_CFG_F_CONNTRACK, at most. */
#define NFQ_MSG_CT_OVERHEAD 1024

/* Size of one verdict message, without and with a mark. */
#define NFQ_VERDICT_SIZE      32
#define NFQ_VERDICT_MARK_SIZE 40

/* What nfq_msg_next() found. */
enum nfq_result {
	NFQ_MSG_PACKET, /* a complete packet */
	NFQ_MSG_ERROR,  /* the kernel's reply to a message; errno 0 is an acknowledgement */
	NFQ_MSG_OTHER,  /* a well-formed message of another type */
	NFQ_MSG_END,    /* the datagram has no more messages */
	/* malformed; the rest of the datagram is skipped */
	NFQ_MSG_SHORT,  /* less than a message header is left */
	NFQ_MSG_LENGTH, /* the length is below the header's size or beyond the datagram */
	/* malformed; the next message follows */
	NFQ_MSG_BODY,       /* the fixed part is incomplete, or the errno is impossible */
	NFQ_MSG_ATTR,       /* an attribute has a wrong size */
	NFQ_MSG_NO_ID,      /* a packet without its id: no verdict is possible */
	NFQ_MSG_NO_PAYLOAD, /* a packet without its bytes */
	NFQ_MSG_CAP_LEN,    /* a packet shorter than its copy */
	NFQ_MSG_HOOK,       /* a packet of another hook than input, forward, output */
	NFQ_MSG_FAMILY,     /* a packet of another family than IPv4 and IPv6 */
	NFQ_RESULTS_LEN,
};

struct nfq_pkt {
	struct frame frame;      /* valid for NFQ_MSG_PACKET; borrows the datagram */
	uint64_t stamp_ns;       /* receive timestamp, nanoseconds since 1970; 0 = none */
	uint32_t id;             /* of the packet in its queue; if id_is_known */
	uint32_t seq;            /* NFQ_MSG_ERROR: of the request */
	int32_t error;           /* NFQ_MSG_ERROR: a positive errno, or 0 */
	uint32_t ctinfo;         /* enum ip_conntrack_info; if ctinfo_is_known */
	uint16_t queue;          /* if id_is_known */
	uint8_t id_is_known;     /* the packet needs a verdict */
	uint8_t is_truncated;    /* the datagram was cut */
	uint8_t ctinfo_is_known; /* the message carries the kernel tracker's state */
};

/*
 * Parses the next message of the datagram into *out, and moves the cursor behind it. Call it until
 * it returns NFQ_MSG_END. The cursor needs no alignment.
 */
enum nfq_result nfq_msg_next(struct cursor *datagram, struct nfq_pkt *out);

/* Verdict messages, one after the other, in a buffer of the caller. */
struct nfq_out {
	uint8_t *data;
	size_t buf_size; /* bytes of data */
	size_t size;     /* bytes used */
	size_t len;      /* verdicts */
};

static inline void nfq_out_clear(struct nfq_out *o)
{
	o->size = 0;
	o->len = 0;
}

/* Append one verdict. nf_verdict: NF_ACCEPT, NF_DROP... Return false, with *o unchanged, when the
 * buffer is full. */
bool nfq_put_verdict(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict);
bool nfq_put_verdict_mark(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict,
                          uint32_t mark);

#endif
