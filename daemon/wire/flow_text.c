/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as lines of text. See flow_text.h; knows nothing of tables, clocks or sockets.
 */
#include "text/addr.h"
#include <finwall/flow_text.h>

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Buffers of columns: "ip-255", "[ADDRESS]:PORT", a TCP state or "type 255 id 65535". */
#define PROTO_TEXT_SIZE    16
#define ENDPOINT_TEXT_SIZE (ADDR_TEXT_SIZE + 8)
#define STATE_TEXT_SIZE    32

/* The kernel's clock of timeouts, at CONFIG_HZ=250. */
#define TICK_NS (4 * NSEC_PER_MSEC)

/*
 * The names of conntrack(8) come first; the others are those of /etc/protocols, which the daemon
 * cannot rely on. conntrack(8) prints them as "unknown".
 */
#define CONNTRACK_PROTOS_LEN 8
static const struct {
	uint8_t proto;
	const char *name;
} protos[] = {
	{ IPPROTO_ICMP, "icmp" },
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_UDP, "udp" },
	{ IPPROTO_DCCP, "dccp" },
	{ IPPROTO_GRE, "gre" },
	{ IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_SCTP, "sctp" },
	{ IPPROTO_UDPLITE, "udplite" },
	{ IPPROTO_IGMP, "igmp" },
	{ IPPROTO_IPIP, "ipencap" },
	{ IPPROTO_IPV6, "ipv6" },
	{ IPPROTO_RSVP, "rsvp" },
	{ IPPROTO_ESP, "esp" },
	{ IPPROTO_AH, "ah" },
	{ 88, "eigrp" },
	{ 89, "ospf" },
	{ 97, "etherip" },
	{ IPPROTO_PIM, "pim" },
	{ IPPROTO_COMP, "ipcomp" },
	{ 112, "vrrp" },
	{ 115, "l2tp" },
	{ IPPROTO_MPLS, "mpls-in-ip" },
};

/* The numbers that a tuple has besides its addresses. */
enum tuple_shape {
	SHAPE_BARE,
	SHAPE_PORTS,
	SHAPE_ICMP,
};

/* A line under construction, cut off at its end. */
struct line {
	char *at;
	size_t left_size;
};

static enum tuple_shape tuple_shape(uint8_t proto);
static void put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put_conntrack_tuple(struct line *l, const struct tuple *t);
static void put_counters(struct line *l, const struct flow_view *v, enum flow_dir dir);
static void put_start(struct line *l, int64_t wall_s);
static void endpoint_text(const union ip_addr *a, uint16_t port, const struct tuple *t, char *out,
                          size_t out_size);

void flow_view_live(const struct flow *f, struct mono now, const char *ifname,
                    struct flow_view *out)
{
	enum key_side opener = flow_orig_side(f);

	memset(out, 0, sizeof(*out));
	flowkey_to_tuple(&f->key, opener, &out->orig);
	flowkey_to_tuple(&f->key, opener == SIDE_LO ? SIDE_HI : SIDE_LO, &out->reply);
	if (f->key.proto == IPPROTO_TCP) {
		out->tcp = f->conn.tcp;
	}
	out->time_ns = mono_diff(f->deadline, now);
	out->ifname = ifname != NULL ? ifname : "";
	out->kind = VIEW_LIVE;
	out->status = f->status;
	out->hook = f->hook;
	out->mark = flow_extra_of_copy(f).mark;
	out->id = f->hash_lo;
}

void flow_view_account(struct flow_view *v, const struct flow_account *a, struct mono now)
{
	v->account = *a;
	if (a->start.ns != 0) {
		v->age_ns = mono_diff(now, a->start);
		v->idle_ns = mono_diff(now, a->last);
	}
}

void flow_view_remembered(const struct tomb_info *t, struct mono now, struct flow_view *out)
{
	enum key_side opener = status_orig_side(t->status);

	memset(out, 0, sizeof(*out));
	flowkey_to_tuple(&t->key, opener, &out->orig);
	flowkey_to_tuple(&t->key, opener == SIDE_LO ? SIDE_HI : SIDE_LO, &out->reply);
	out->tcp = t->conn;
	out->time_ns = mono_diff(now, t->ended);
	out->ifname = "";
	out->kind = VIEW_REMEMBERED;
	out->status = t->status;
	out->mark = t->extra.mark;
	out->cause = t->cause;
}

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (protos[i].proto == proto) {
			return protos[i].name;
		}
	}
	return NULL;
}

int proto_number(const char *name)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (strcmp(protos[i].name, name) == 0) {
			return protos[i].proto;
		}
	}
	return -1;
}

char *addr_text(const union ip_addr *a, uint8_t family, char out[ADDR_TEXT_SIZE])
{
	return ip_text(family, a->bytes, out);
}

const char *flow_text_heading(enum flow_view_kind kind)
{
	return kind == VIEW_LIVE ? "PROTO   FROM                   TO                     STATE    "
	                           "        EXPIRES"
	                         : "PROTO   FROM                   TO                     STATE    "
	                           "      ENDED AGO";
}

static void put_mark(struct line *l, const struct flow_view *v)
{
	if (v->mark != 0) {
		put(l, " mark=0x%x", v->mark);
	}
}

void flow_text(const struct flow_view *v, char *line, size_t line_size)
{
	struct line l = { line, line_size };
	const char *name = proto_name(v->orig.proto);
	char number[PROTO_TEXT_SIZE];
	char from[ENDPOINT_TEXT_SIZE];
	char to[ENDPOINT_TEXT_SIZE];
	char state[STATE_TEXT_SIZE] = "-";

	snprintf(number, sizeof(number), "ip-%u", v->orig.proto);
	endpoint_text(&v->orig.src, v->orig.sport, &v->orig, from, sizeof(from));
	endpoint_text(&v->orig.dst, v->orig.dport, &v->orig, to, sizeof(to));
	if (v->orig.proto == IPPROTO_TCP) {
		snprintf(state, sizeof(state), "%s", tcp_state_name(v->tcp.state));
	} else if (tuple_shape(v->orig.proto) == SHAPE_ICMP) {
		snprintf(state, sizeof(state), "type %u id %u", v->orig.dport >> 8, v->orig.sport);
	}
	put(&l, "%-7s %-22s %-22s %-15s %7llds ", name != NULL ? name : number, from, to, state,
	    (long long)(v->time_ns / NSEC_PER_SEC));
	if (v->kind == VIEW_REMEMBERED) {
		put(&l, " %s", tomb_cause_name(v->cause));
		put_mark(&l, v);
		return;
	}
	put(&l, " %s",
	    (v->status & FLOW_ASSURED) != 0      ? "assured"
	    : (v->status & FLOW_SEEN_REPLY) != 0 ? "replied"
	                                         : "unreplied");
	if ((v->status & FLOW_REVIVED) != 0) {
		put(&l, " revived");
	}
	if ((v->status & FLOW_LEASED) != 0) {
		put(&l, " leased");
	}
	if (v->queued.word != NULL) {
		put(&l, " %squeued:%s",
		    (v->status & FLOW_LEASED) == 0 ? ""
		    : v->queued.dir == DIR_ORIG    ? "original-"
		                                   : "reply-",
		    v->queued.word);
	}
	if (v->ifname[0] != '\0') {
		put(&l, " %s %s", v->hook == HOOK_OUTPUT ? "out" : "in", v->ifname);
	}
	put_mark(&l, v);
}

/* Returns NULL for a protocol that conntrack(8) has no name for. */
static const char *conntrack_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < CONNTRACK_PROTOS_LEN; i++) {
		if (protos[i].proto == proto) {
			return protos[i].name;
		}
	}
	return NULL;
}

/*
 * The format of libnetfilter_conntrack, blanks included, so that the same programs can parse it. A
 * remembered connection has 0 seconds left.
 */
void flow_conntrack(const struct flow_view *v, unsigned options, int64_t wall_s, char *line,
                    size_t line_size)
{
	struct line l = { line, line_size };
	const char *name = conntrack_proto_name(v->orig.proto);
	int64_t left_sec = v->kind == VIEW_LIVE ? v->time_ns / NSEC_PER_SEC : 0;

	if ((options & CONNTRACK_EXTENDED) != 0) {
		put(&l, "%-8s %u ", v->orig.family == 4 ? "ipv4" : "ipv6",
		    v->orig.family == 4 ? AF_INET : AF_INET6);
	}
	put(&l, "%-8s %u %lld ", name != NULL ? name : "unknown", v->orig.proto,
	    (long long)(left_sec > 0 ? left_sec : 0));
	if (v->orig.proto == IPPROTO_TCP) {
		put(&l, "%s ", tcp_state_name(v->tcp.state));
	}
	put_conntrack_tuple(&l, &v->orig);
	put_counters(&l, v, DIR_ORIG);
	if ((v->status & FLOW_SEEN_REPLY) == 0) {
		put(&l, "[UNREPLIED] ");
	}
	put_conntrack_tuple(&l, &v->reply);
	put_counters(&l, v, DIR_REPLY);
	if ((v->status & FLOW_ASSURED) != 0) {
		put(&l, "[ASSURED] ");
	}
	put(&l, "mark=%u ", v->mark);
	if (v->account.start.ns != 0) {
		put(&l, "delta-time=%lld ", (long long)(v->age_ns / NSEC_PER_SEC));
		if ((options & CONNTRACK_KTIMESTAMP) != 0) {
			put_start(&l, wall_s - v->age_ns / NSEC_PER_SEC);
		}
	}
	put(&l, "use=1");
	if ((options & CONNTRACK_ID) != 0 && v->kind == VIEW_LIVE) {
		put(&l, " id=%u", v->id);
	}
}

/* As the kernel does, all or none: where packets are not counted, there is no start either. */
static void put_counters(struct line *l, const struct flow_view *v, enum flow_dir dir)
{
	if (v->account.start.ns != 0) {
		put(l, "packets=%llu bytes=%llu ", (unsigned long long)v->account.packets[dir],
		    (unsigned long long)v->account.bytes[dir]);
	}
}

static void put_start(struct line *l, int64_t wall_s)
{
	time_t when = (time_t)wall_s;
	char text[32];
	struct tm tm;

	if (localtime_r(&when, &tm) != NULL && asctime_r(&tm, text) != NULL) {
		put(l, "[start=%.24s] ", text);
	}
}

void flow_conntrack_event(const struct flow_view *v, enum flow_line_kind kind, char *line,
                          size_t line_size)
{
	static const char *const kinds[] = { "[NEW]", "[UPDATE]", "[DESTROY]" };
	struct line l = { line, line_size };
	const char *name = conntrack_proto_name(v->orig.proto);
	/* conntrack(8) cuts the kernel's ticks, which are a few milliseconds, to seconds. */
	int64_t left_sec = (v->time_ns + TICK_NS) / NSEC_PER_SEC;

	put(&l, "%9s %-8s %u ", kinds[kind], name != NULL ? name : "unknown", v->orig.proto);
	if (kind != FLOW_LINE_DESTROY || left_sec > 0) {
		put(&l, "%lld ", (long long)(left_sec > 0 ? left_sec : 0));
	}
	if (v->orig.proto == IPPROTO_TCP) {
		put(&l, "%s ", tcp_state_name(v->tcp.state));
	}
	put_conntrack_tuple(&l, &v->orig);
	if ((v->status & FLOW_SEEN_REPLY) == 0) {
		put(&l, "[UNREPLIED] ");
	}
	put_conntrack_tuple(&l, &v->reply);
	if ((v->status & FLOW_ASSURED) != 0) {
		put(&l, "[ASSURED] ");
	}
	/* no blank at the end */
	l.at[l.at > line ? -1 : 0] = '\0';
}

static enum tuple_shape tuple_shape(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return SHAPE_PORTS;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return SHAPE_ICMP;
	default:
		return SHAPE_BARE;
	}
}

static void put(struct line *l, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->at, l->left_size, fmt, args);
	va_end(args);
	if (n < 0 || l->left_size == 0) {
		return;
	}
	if ((size_t)n >= l->left_size) {
		n = (int)(l->left_size - 1);
	}
	l->at += n;
	l->left_size -= (size_t)n;
}

static void put_conntrack_tuple(struct line *l, const struct tuple *t)
{
	char src[INET6_ADDRSTRLEN];
	char dst[INET6_ADDRSTRLEN];

	put(l, "src=%s dst=%s ", addr_text(&t->src, t->family, src),
	    addr_text(&t->dst, t->family, dst));
	switch (tuple_shape(t->proto)) {
	case SHAPE_PORTS:
		put(l, "sport=%u dport=%u ", t->sport, t->dport);
		break;
	case SHAPE_ICMP:
		put(l, "type=%u code=%u id=%u ", t->dport >> 8, t->dport & 0xff, t->sport);
		break;
	case SHAPE_BARE:
		break;
	}
}

static void endpoint_text(const union ip_addr *a, uint16_t port, const struct tuple *t, char *out,
                          size_t out_size)
{
	char addr[INET6_ADDRSTRLEN];

	addr_text(a, t->family, addr);
	if (tuple_shape(t->proto) != SHAPE_PORTS) {
		snprintf(out, out_size, "%s", addr);
	} else if (t->family == 4) {
		snprintf(out, out_size, "%s:%u", addr, port);
	} else {
		snprintf(out, out_size, "[%s]:%u", addr, port);
	}
}
