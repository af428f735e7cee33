/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as lines of text. A logged packet has the fields and the order of the kernel's LOG target,
 * so that programs that parse kernel logs can parse these lines.
 */
#include "event_text.h"

#include <finwall/tunables.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The parts of the IPv4 TOS byte that the LOG target shows (RFC 1349). */
#define TOS_MASK        0x1eu
#define PRECEDENCE_MASK 0xe0u

/* A line under construction; it is cut at the end of the buffer. */
struct line {
	char *text;
	size_t size; /* of the buffer, in bytes */
	size_t at;   /* bytes written */
};

static void add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *format, ...)
{
	size_t free_size = l->size - l->at;
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(l->text + l->at, free_size, format, args);
	va_end(args);
	if (size > 0) {
		l->at += (size_t)size < free_size ? (size_t)size : free_size - 1;
	}
}

static void add_addresses(struct line *l, const struct tuple *t)
{
	int family = t->family == 4 ? AF_INET : AF_INET6;
	char src[INET6_ADDRSTRLEN] = "";
	char dst[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(family, t->src.bytes, src, sizeof(src));
	(void)inet_ntop(family, t->dst.bytes, dst, sizeof(dst));
	add(l, " SRC=%s DST=%s", src, dst);
}

static void add_ip(struct line *l, const struct packet_event *ev)
{
	add_addresses(l, &ev->tuple);
	if (ev->tuple.family == 4) {
		add(l, " LEN=%" PRIu32 " TOS=0x%02X PREC=0x%02X TTL=%u", ev->true_size,
		    ev->tos & TOS_MASK, ev->tos & PRECEDENCE_MASK, ev->ttl);
	} else {
		add(l, " LEN=%" PRIu32 " TC=%u HOPLIMIT=%u", ev->true_size, ev->tos, ev->ttl);
	}
}

static void add_tcp_flags(struct line *l, uint8_t flags)
{
	static const struct {
		uint8_t flag;
		const char *name;
	} names[] = {
		{ TCP_CWR, "CWR" }, { TCP_ECE, "ECE" }, { TCP_URG, "URG" }, { TCP_ACK, "ACK" },
		{ TCP_PSH, "PSH" }, { TCP_RST, "RST" }, { TCP_SYN, "SYN" }, { TCP_FIN, "FIN" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & names[i].flag) != 0) {
			add(l, " %s", names[i].name);
		}
	}
}

static void add_transport(struct line *l, const struct packet_event *ev)
{
	bool has_ports = ev->depth >= PKT_PORTS;

	switch (ev->l4_proto) {
	case IPPROTO_NR_TCP:
		add(l, " PROTO=TCP");
		if (has_ports) {
			add(l, " SPT=%u DPT=%u", ev->tuple.sport, ev->tuple.dport);
		}
		if (ev->depth == PKT_FULL) {
			add(l, " WINDOW=%u", ev->win);
			add_tcp_flags(l, ev->tcp_flags);
		}
		break;
	case IPPROTO_NR_UDP:
		add(l, " PROTO=UDP");
		if (has_ports) {
			add(l, " SPT=%u DPT=%u", ev->tuple.sport, ev->tuple.dport);
		}
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		add(l, " PROTO=%s", ev->l4_proto == IPPROTO_NR_ICMP ? "ICMP" : "ICMPv6");
		if (has_ports) {
			add(l, " TYPE=%u CODE=%u", ev->icmp_type, ev->icmp_code);
		}
		break;
	default:
		add(l, " PROTO=%u", ev->l4_proto);
		break;
	}
}

void event_text_log(const struct packet_event *ev, const char *prefix, const char *iif_name,
                    const char *oif_name, char out[EVENT_TEXT_SIZE])
{
	struct line l = { .text = out, .size = EVENT_TEXT_SIZE };

	add(&l, "%sIN=%s OUT=%s", prefix, iif_name, oif_name);
	if (ev->depth == PKT_NOTHING) {
		add(&l, " LEN=%" PRIu32, ev->true_size);
	} else {
		add_ip(&l, ev);
		add_transport(&l, ev);
	}
	if (ev->mark != 0) {
		add(&l, " MARK=0x%" PRIx32, ev->mark);
	}
}

const char *event_text_class(unsigned class_nr)
{
	static const char *const names[SEGS_LEN] = {
		[SEG_SYN] = "SYN", [SEG_SYNACK] = "SYN-ACK", [SEG_FIN] = "FIN",
		[SEG_ACK] = "ACK", [SEG_RST] = "RST",        [SEG_NONE] = "-",
	};

	return names[class_nr];
}

void event_text_late(const struct late_event *ev, char out[EVENT_TEXT_SIZE])
{
	struct line l = { .text = out, .size = EVENT_TEXT_SIZE };

	add(&l, "late %s", event_text_class(ev->class_nr));
	add_addresses(&l, &ev->tuple);
	add(&l, " PROTO=TCP SPT=%u DPT=%u policy=%s outcome=%s verdict=%s", ev->tuple.sport,
	    ev->tuple.dport, late_policy_name(ev->policy), reason_name(ev->reason),
	    verdict_name(ev->verdict));
	if (ev->has_tomb != 0) {
		add(&l, " was=%s ended=%s ago=%" PRId64 "s off=%" PRId32,
		    tcp_state_name(ev->tcp_state), tomb_cause_name(ev->cause),
		    ev->gone_ns / NSEC_PER_SEC, ev->seq_distance);
	}
}

/*
 * Both states, the engine's entry, and the packet. entry=-: there is no entry, or one of another
 * protocol than TCP without a reply.
 */
void event_text_compare(const struct compare_event *ev, const char *iif_name, const char *oif_name,
                        char out[EVENT_TEXT_SIZE])
{
	const struct decision *d = &ev->decision;
	char prefix[EVENT_TEXT_SIZE / 2];
	struct line l = { .text = prefix, .size = sizeof(prefix) };
	bool is_tcp = ev->packet.l4_proto == IPPROTO_NR_TCP && ev->packet.depth == PKT_FULL;

	add(&l, "compare: finwall=%s kernel=%s reason=%s verdict=%s hook=%s direction=%s",
	    ct_state_name((enum ct_state)d->state), kernel_state_name(ev->kernel_state),
	    reason_name((enum reason)d->reason), verdict_name((enum verdict)d->verdict),
	    hook_name((enum hook)ev->packet.hook), d->dir == DIR_ORIG ? "original" : "reply");
	add(&l, " entry=%s",
	    d->tcp_state != TCP_NONE             ? tcp_state_name(d->tcp_state)
	    : (d->status & FLOW_SEEN_REPLY) != 0 ? "replied"
	                                         : "-");
	if (is_tcp) {
		add(&l, " seq=%" PRIu32 " ack=%" PRIu32, ev->seq, ev->ack);
	}
	add(&l, " ");
	event_text_log(&ev->packet, prefix, iif_name, oif_name, out);
}
