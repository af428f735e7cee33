/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue's netlink messages. Knows layouts, no sockets and no policy.
 *
 * Attributes are not read by libmnl, whose loop ends silently at a malformed attribute: that must
 * be counted, and the packet still needs a verdict. Netlink headers are in host order, the queue's
 * attributes in network order.
 */
#include <finwall/nfq_msg.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

#define PACKET_TYPE  ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)
#define VERDICT_TYPE ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT)

/* The largest errno of the kernel (MAX_ERRNO). */
#define ERRNO_MAX 4095

struct verdict_msg {
	struct nlmsghdr nlh;
	struct nfgenmsg gen;
	struct nlattr verdict_attr;
	struct nfqnl_msg_verdict_hdr verdict;
};

struct verdict_mark_msg {
	struct verdict_msg base;
	struct nlattr mark_attr;
	uint32_t mark;
};

_Static_assert(sizeof(struct verdict_msg) == NFQ_VERDICT_SIZE, "no padding in a verdict");
_Static_assert(sizeof(struct verdict_mark_msg) == NFQ_VERDICT_MARK_SIZE, "no padding in a verdict");

/* The attributes of one packet message. */
struct packet_attrs {
	struct nfq_pkt *out;
	uint32_t nf_hook;
	uint32_t cap_len;
	uint8_t cap_len_is_known;
	const uint8_t *ct; /* the attributes of the kernel tracker's entry, or NULL */
};

static enum nfq_result read_error(struct cursor *body, struct nfq_pkt *out);
static enum nfq_result read_packet(struct cursor *body, struct nfq_pkt *out);

enum nfq_result nfq_msg_next(struct cursor *datagram, struct nfq_pkt *out)
{
	struct nlmsghdr nlh;
	struct cursor body;
	size_t step;

	memset(out, 0, sizeof(*out));
	if (cursor_left(datagram) == 0) {
		return NFQ_MSG_END;
	}
	if (cursor_left(datagram) < sizeof(nlh)) {
		datagram->at = datagram->end;
		return NFQ_MSG_SHORT;
	}
	memcpy(&nlh, datagram->at, sizeof(nlh));
	if (nlh.nlmsg_len < sizeof(nlh)) {
		datagram->at = datagram->end;
		return NFQ_MSG_LENGTH;
	}
	body = (struct cursor){ datagram->at + sizeof(nlh), datagram->end };
	if (nlh.nlmsg_len > cursor_left(datagram)) {
		/* The datagram was cut. The rest may contain the id of a packet. */
		datagram->at = datagram->end;
		out->is_truncated = 1;
		if (nlh.nlmsg_type == PACKET_TYPE) {
			(void)read_packet(&body, out);
		}
		return NFQ_MSG_LENGTH;
	}
	body.end = datagram->at + nlh.nlmsg_len;
	step = NLMSG_ALIGN((size_t)nlh.nlmsg_len);
	datagram->at = step < cursor_left(datagram) ? datagram->at + step : datagram->end;

	switch (nlh.nlmsg_type) {
	case PACKET_TYPE:
		return read_packet(&body, out);
	case NLMSG_ERROR:
		return read_error(&body, out);
	default:
		return NFQ_MSG_OTHER;
	}
}

static enum nfq_result read_error(struct cursor *body, struct nfq_pkt *out)
{
	struct nlmsgerr e;

	if (cursor_left(body) < sizeof(e)) {
		return NFQ_MSG_BODY;
	}
	memcpy(&e, body->at, sizeof(e));
	if (e.error > 0 || e.error < -ERRNO_MAX) {
		return NFQ_MSG_BODY;
	}
	out->error = -e.error;
	out->seq = e.msg.nlmsg_seq;
	return NFQ_MSG_ERROR;
}

/* Reads an attribute of one 32-bit number. */
static bool attr_be32(struct cursor value, uint32_t *out)
{
	return cursor_left(&value) == sizeof(*out) && rd_be32(&value, out);
}

static bool attr_packet_hdr(struct cursor value, struct packet_attrs *a)
{
	struct nfqnl_msg_packet_hdr hdr;

	if (cursor_left(&value) != sizeof(hdr)) {
		return false;
	}
	memcpy(&hdr, value.at, sizeof(hdr));
	a->out->id = ntohl(hdr.packet_id);
	a->out->id_is_known = 1;
	a->nf_hook = hdr.hook;
	return true;
}

static bool attr_timestamp(struct cursor value, struct packet_attrs *a)
{
	uint32_t word[4]; /* seconds, microseconds: 64 bits each, high word first */
	uint64_t usec;

	if (cursor_left(&value) != sizeof(word)) {
		return false;
	}
	for (unsigned i = 0; i < 4; i++) {
		(void)rd_be32(&value, &word[i]);
	}
	/* Unsigned, modulo 2^64: an invalid time gives an invalid number, but no overflow. */
	usec = (((uint64_t)word[0] << 32) | word[1]) * USEC_PER_SEC +
	       (((uint64_t)word[2] << 32) | word[3]);
	a->out->stamp_ns = usec * NSEC_PER_USEC;
	return true;
}

static bool attr_skb_info(struct cursor value, struct packet_attrs *a)
{
	uint32_t flags;

	if (!attr_be32(value, &flags)) {
		return false;
	}
	a->out->frame.csum =
		(flags & NFQA_SKB_CSUM_NOTVERIFIED) != 0 ? CSUM_UNVERIFIED : CSUM_TRUSTED;
	return true;
}

/* Only Ethernet addresses; the kernel sends zeroes for loopback. */
static bool attr_hwaddr(struct cursor value, struct frame *frame)
{
	static const uint8_t none[sizeof(frame->ether_src)];
	struct nfqnl_msg_packet_hw hw;

	if (cursor_left(&value) < sizeof(hw)) {
		return false;
	}
	memcpy(&hw, value.at, sizeof(hw));
	if (ntohs(hw.hw_addrlen) == sizeof(frame->ether_src) &&
	    memcmp(hw.hw_addr, none, sizeof(none)) != 0) {
		memcpy(frame->ether_src, hw.hw_addr, sizeof(frame->ether_src));
		frame->has |= FRAME_HAS_ETHER;
	}
	return true;
}

static bool next_attr(struct cursor *c, unsigned *type, struct cursor *value);

/* The kernel tracker's entry: only its status is read here. */
static bool attr_ct(struct cursor value, struct packet_attrs *a)
{
	struct frame *frame = &a->out->frame;
	const struct cursor all = value;
	struct cursor one;
	unsigned type;
	uint32_t status;

	while (next_attr(&value, &type, &one)) {
		if (type == CTA_STATUS && attr_be32(one, &status)) {
			frame->has |= FRAME_HAS_CT;
			frame->ct_status = (uint8_t)status;
			a->ct = all.at;
			frame->ct_size = (uint16_t)cursor_left(&all);
		}
	}
	return true;
}

/* Reads one attribute. Returns false when its size is wrong. */
static bool read_attr(unsigned type, struct cursor value, struct packet_attrs *a)
{
	struct frame *frame = &a->out->frame;

	switch (type) {
	case NFQA_PACKET_HDR:
		return attr_packet_hdr(value, a);
	case NFQA_MARK:
		return attr_be32(value, &frame->mark);
	case NFQA_HWADDR:
		return attr_hwaddr(value, frame);
	case NFQA_TIMESTAMP:
		return attr_timestamp(value, a);
	case NFQA_IFINDEX_INDEV:
		return attr_be32(value, &frame->iif);
	case NFQA_IFINDEX_OUTDEV:
		return attr_be32(value, &frame->oif);
	case NFQA_PAYLOAD:
		frame->data = value.at;
		frame->cap_size = (uint32_t)cursor_left(&value);
		return true;
	case NFQA_CAP_LEN:
		a->cap_len_is_known = 1;
		return attr_be32(value, &a->cap_len);
	case NFQA_CT:
		return attr_ct(value, a);
	case NFQA_UID:
		frame->has |= FRAME_HAS_UID;
		return attr_be32(value, &frame->uid);
	case NFQA_GID:
		frame->has |= FRAME_HAS_GID;
		return attr_be32(value, &frame->gid);
	case NFQA_CT_INFO:
		a->out->ctinfo_is_known = 1;
		return attr_be32(value, &a->out->ctinfo);
	case NFQA_SKB_INFO:
		return attr_skb_info(value, a);
	default:
		return true;
	}
}

/* Moves the cursor behind the next attribute. Returns false when no complete one is left. */
static bool next_attr(struct cursor *c, unsigned *type, struct cursor *value)
{
	struct nlattr nla;
	size_t step;

	if (cursor_left(c) < sizeof(nla)) {
		return false;
	}
	memcpy(&nla, c->at, sizeof(nla));
	if (nla.nla_len < sizeof(nla) || nla.nla_len > cursor_left(c)) {
		return false;
	}
	*type = nla.nla_type & NLA_TYPE_MASK;
	*value = (struct cursor){ c->at + sizeof(nla), c->at + nla.nla_len };
	/* The last attribute may have no padding. */
	step = NLA_ALIGN((size_t)nla.nla_len);
	c->at = step < cursor_left(c) ? c->at + step : c->end;
	return true;
}

static bool map_hook(uint32_t nf_hook, uint8_t *hook)
{
	switch (nf_hook) {
	case NF_INET_LOCAL_IN:
		*hook = HOOK_INPUT;
		return true;
	case NF_INET_FORWARD:
		*hook = HOOK_FORWARD;
		return true;
	case NF_INET_LOCAL_OUT:
		*hook = HOOK_OUTPUT;
		return true;
	default:
		return false;
	}
}

/* The result, after all attributes have been read. */
static enum nfq_result judge_packet(const struct packet_attrs *a, unsigned family)
{
	struct frame *frame = &a->out->frame;

	if (!a->out->id_is_known) {
		return NFQ_MSG_NO_ID;
	}
	if (frame->cap_size == 0) {
		return NFQ_MSG_NO_PAYLOAD;
	}
	frame->true_size = a->cap_len_is_known ? a->cap_len : frame->cap_size;
	if (frame->true_size < frame->cap_size) {
		return NFQ_MSG_CAP_LEN;
	}
	if (!map_hook(a->nf_hook, &frame->hook)) {
		return NFQ_MSG_HOOK;
	}
	if (family != AF_INET && family != AF_INET6) {
		return NFQ_MSG_FAMILY;
	}
	return NFQ_MSG_PACKET;
}

static enum nfq_result read_packet(struct cursor *body, struct nfq_pkt *out)
{
	struct packet_attrs a = { .out = out };
	struct nfgenmsg gen;
	struct cursor value;
	unsigned type;

	if (cursor_left(body) < sizeof(gen)) {
		return NFQ_MSG_BODY;
	}
	memcpy(&gen, body->at, sizeof(gen));
	(void)rd_skip(body, sizeof(gen));
	out->queue = ntohs(gen.res_id);

	while (next_attr(body, &type, &value)) {
		if (!read_attr(type, value, &a)) {
			return NFQ_MSG_ATTR;
		}
	}
	if (cursor_left(body) > 0) {
		return NFQ_MSG_ATTR;
	}
	if (a.ct != NULL && out->frame.data != NULL) {
		out->frame.ct_at = (int32_t)(a.ct - out->frame.data);
	}
	return judge_packet(&a, gen.nfgen_family);
}

static struct verdict_msg make_verdict(uint16_t queue, uint32_t id, uint32_t nf_verdict,
                                       uint32_t msg_size)
{
	return (struct verdict_msg){
		.nlh = { .nlmsg_len = msg_size,
		         .nlmsg_type = VERDICT_TYPE,
		         .nlmsg_flags = NLM_F_REQUEST },
		.gen = { .nfgen_family = AF_UNSPEC,
		         .version = NFNETLINK_V0,
		         .res_id = htons(queue) },
		.verdict_attr = { .nla_len = sizeof(struct nlattr) +
		                             sizeof(struct nfqnl_msg_verdict_hdr),
		                  .nla_type = NFQA_VERDICT_HDR },
		.verdict = { .verdict = htonl(nf_verdict), .id = htonl(id) },
	};
}

static bool append(struct nfq_out *o, const void *msg, size_t msg_size)
{
	if (o->buf_size - o->size < msg_size) {
		return false;
	}
	memcpy(o->data + o->size, msg, msg_size);
	o->size += msg_size;
	o->len++;
	return true;
}

bool nfq_put_verdict(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict)
{
	struct verdict_msg msg = make_verdict(queue, id, nf_verdict, sizeof(msg));

	return append(o, &msg, sizeof(msg));
}

bool nfq_put_verdict_mark(struct nfq_out *o, uint16_t queue, uint32_t id, uint32_t nf_verdict,
                          uint32_t mark)
{
	struct verdict_mark_msg msg = {
		.base = make_verdict(queue, id, nf_verdict, sizeof(msg)),
		.mark_attr = { .nla_len = sizeof(struct nlattr) + sizeof(mark),
		               .nla_type = NFQA_MARK },
		.mark = htonl(mark),
	};

	return append(o, &msg, sizeof(msg));
}
