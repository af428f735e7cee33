/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import of the kernel tracker's connections.
 *
 * finwall sees packets at priority filter: destinations are translated by then, sources are not; in
 * the reply direction it is the other way round. So for finwall a connection is between the
 * opener's own address and the address that answers. Both are in the kernel's entry.
 *
 * The kernel shows states, flags and window scales, but no windows: they are unknown
 * (KNOWN_NOTHING) until both sides have agreed. The tracker takes them from the next packet of each
 * side, and does not enforce them (doc/tcp-tracking.md, 7.7).
 *
 * No rule is evaluated: connections that the previous firewall accepted continue.
 */
#include "import_conntrack.h"

#include "io/clock.h"
#include "io/conntrack.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The longest timeout of a setting is 248 days. */
#define LEFT_MAX_SEC (INT64_C(248) * 86400)

/* The kernel's flags of a TCP side that are valid without its sequence numbers. */
#define SIDE_KEPT (TCP_SIDE_WSCALE | TCP_SIDE_SACK | TCP_SIDE_CLOSE_INIT | TCP_SIDE_LIBERAL)

/* RFC 7323, 2.3. */
#define SCALE_MAX 14

/* 127.0.0.0/8. */
#define IP4_LOOPBACK_NET 127

/* One reading of the table. */
struct import {
	struct importer *importer;
	struct import_rules rules;
	struct import_counts *counts;
	bool is_repeated; /* without what a command has deleted since the first one */
};

static bool is_loopback(const struct tuple *t);
static bool is_translated(const struct kernel_conn *c);
static bool make_key(const struct kernel_conn *c, struct flow *f);
static bool make_tcp(const struct kernel_conn *c, struct tcp_conn *t);
static int64_t time_left(const struct kernel_conn *c, const struct flow *f,
                         const struct tunables *tun);
static void take(void *ctx, const struct kernel_conn *c);
static void log_counts(const struct importer *im, const struct import_counts *n);

const char *import_outcome_name(enum import_outcome o)
{
	static const char *const names[] = {
#define X(id, name, text) [id] = name,
		FINWALL_IMPORT_OUTCOMES(X)
#undef X
	};

	return names[o];
}

const char *import_outcome_text(enum import_outcome o)
{
	static const char *const texts[] = {
#define X(id, name, text) [id] = text,
		FINWALL_IMPORT_OUTCOMES(X)
#undef X
	};

	return texts[o];
}

enum import_outcome import_convert(const struct kernel_conn *c, const struct import_rules *rules,
                                   struct flow *out, bool *translated)
{
	memset(out, 0, sizeof(*out));
	*translated = is_translated(c);
	if (!make_key(c, out)) {
		return IMPORT_ODD;
	}
	if (!rules->with_loopback && is_loopback(&c->orig)) {
		return IMPORT_LOOPBACK;
	}
	out->status |= c->seen_reply != 0 ? FLOW_SEEN_REPLY : 0;
	out->status |= c->assured != 0 ? FLOW_ASSURED : 0;
	if (out->key.proto == IPPROTO_NR_TCP && !make_tcp(c, &out->conn.tcp)) {
		return IMPORT_ODD;
	}
	if (out->key.proto == IPPROTO_NR_TCP) {
		out->status = status_with_knowledge(out->status, KNOWN_NOTHING);
	}
	if (out->key.proto == IPPROTO_NR_UDP) {
		udp_open(&out->conn.udp, rules->now);
		if (c->assured != 0) {
			out->conn.udp.stream_from = rules->now;
		}
	}
	out->deadline = mono_add(rules->now, time_left(c, out, rules->tun));
	return IMPORT_TAKEN;
}

static int import(struct importer *im, const struct settings *settings, bool is_repeated,
                  struct import_counts *out)
{
	struct import one = {
		.importer = im,
		.is_repeated = is_repeated,
		.rules = {
			.tun = &im->worker->policy->tun,
			.now = clock_now(),
			.with_loopback = settings->loopback != 0,
		},
		.counts = out,
	};
	uint64_t unread;
	int err;

	memset(out, 0, sizeof(*out));
	err = conntrack_dump(take, &one, &unread);
	out->read += unread;
	out->outcome[IMPORT_ODD] += unread;
	if (out->outcome[IMPORT_TAKEN] > 0) {
		log_counts(im, out);
	}
	return err;
}

int import_conntrack(struct importer *im, const struct settings *settings,
                     struct import_counts *out)
{
	return import(im, settings, false, out);
}

void import_start(struct importer *im, const struct settings *settings)
{
	struct import_counts counts;
	int err;

	if (settings->import_kernel == 0 || !conntrack_is_loaded()) {
		return;
	}
	err = import_conntrack(im, settings, &counts);
	if (err != 0) {
		log_write(im->log, LOG_LEVEL_WARNING, "cannot read the kernel's connections: %s",
		          strerror(-err));
		return;
	}
	im->repeats = true;
}

void import_tick(struct importer *im, const struct settings *settings, uint64_t packets)
{
	struct import_counts counts;

	if (im->repeats && packets > 0) {
		im->repeats = false;
		(void)import(im, settings, true, &counts);
	}
}

void import_note_deleted(struct importer *im, const struct flowkey *key)
{
	if (im->deleted_len == IMPORT_DELETED_MAX) {
		im->repeats = false;
	} else if (im->repeats) {
		im->deleted[im->deleted_len++] = *key;
	}
}

void import_note_flushed(struct importer *im)
{
	im->repeats = false;
}

static bool is_deleted(const struct importer *im, const struct flowkey *key)
{
	for (uint32_t i = 0; i < im->deleted_len; i++) {
		if (flowkey_equal(&im->deleted[i], key)) {
			return true;
		}
	}
	return false;
}

static bool addr_equal(const union ip_addr *a, const union ip_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* From and to this machine: all packets of such a connection are on lo. */
static bool is_loopback(const struct tuple *t)
{
	static const union ip_addr one6 = { .bytes = { [15] = 1 } };

	if (t->family == 4) {
		return t->src.bytes[0] == IP4_LOOPBACK_NET || addr_equal(&t->src, &t->dst);
	}
	return addr_equal(&t->src, &one6) || addr_equal(&t->src, &t->dst);
}

/* ICMP has no ports; TCP and UDP swap theirs in replies. */
static bool is_translated(const struct kernel_conn *c)
{
	bool has_ports = c->orig.proto == IPPROTO_NR_TCP || c->orig.proto == IPPROTO_NR_UDP;

	return !addr_equal(&c->orig.src, &c->reply.dst) ||
	       !addr_equal(&c->orig.dst, &c->reply.src) ||
	       (has_ports && (c->orig.sport != c->reply.dport || c->orig.dport != c->reply.sport));
}

static bool make_key(const struct kernel_conn *c, struct flow *f)
{
	struct tuple t = c->orig;
	enum key_side side;

	if ((t.family != 4 && t.family != 6) || t.family != c->reply.family ||
	    t.proto != c->reply.proto) {
		return false;
	}
	t.dst = c->reply.src;
	if (t.proto == IPPROTO_NR_TCP || t.proto == IPPROTO_NR_UDP) {
		t.dport = c->reply.sport;
	}
	if (!flowkey_from_tuple(&t, &f->key, &side)) {
		return false;
	}
	if ((t.proto == IPPROTO_NR_ICMP || t.proto == IPPROTO_NR_ICMPV6) && side != SIDE_LO) {
		return false; /* opened by a reply */
	}
	/* As the engine does: the next packet of a flow to itself counts as a reply. */
	f->status = side == SIDE_HI || flowkey_is_mirror(&f->key) ? FLOW_ORIG_HI : 0;
	return true;
}

static bool make_tcp(const struct kernel_conn *c, struct tcp_conn *t)
{
	t->last_class = SEG_NONE;
	if (c->has_tcp == 0) {
		/* Offloaded to a flow table of the kernel: such a connection is established. */
		t->state = TCP_ESTABLISHED;
	} else if (c->tcp_state == TCP_NONE || c->tcp_state >= TCP_STATES_LEN) {
		return false;
	} else {
		t->state = c->tcp_state;
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		uint8_t scale = c->tcp_scale[dir];

		t->scale[dir] = scale < SCALE_MAX ? scale : SCALE_MAX;
		t->flags[dir] = (c->tcp_flags[dir] & SIDE_KEPT) | TCP_SIDE_LIBERAL;
	}
	return c->has_tcp != 0 || c->seen_reply != 0;
}

static int64_t default_timeout(const struct flow *f, const struct tunables *tun)
{
	switch (f->key.proto) {
	case IPPROTO_NR_TCP:
		return tun->tcp_timeout_ns[f->conn.tcp.state];
	case IPPROTO_NR_UDP:
		return (f->status & FLOW_ASSURED) != 0 ? tun->udp_replied_ns
		                                       : tun->udp_unreplied_ns;
	default:
		return tunables_other_ttl_ns(tun, f->key.proto);
	}
}

/* The kernel shows the time left in whole seconds, and not for every entry. */
static int64_t time_left(const struct kernel_conn *c, const struct flow *f,
                         const struct tunables *tun)
{
	if (c->has_left == 0) {
		return default_timeout(f, tun);
	}
	return sec_to_ns(c->left_s < LEFT_MAX_SEC ? c->left_s + INT64_C(1) : LEFT_MAX_SEC);
}

static void take(void *ctx, const struct kernel_conn *c)
{
	struct import *one = ctx;
	const struct importer *im = one->importer;
	struct import_counts *n = one->counts;
	enum import_outcome outcome;
	struct flow fresh;
	struct flow there;
	bool translated;

	outcome = import_convert(c, &one->rules, &fresh, &translated);
	if (outcome == IMPORT_TAKEN && one->is_repeated && is_deleted(im, &fresh.key)) {
		outcome = IMPORT_DELETED;
	}
	if (outcome == IMPORT_TAKEN &&
	    !engine_import_flow(im->engine, im->worker, &fresh, one->rules.now)) {
		bool is_there = engine_find_flow(im->engine, &fresh.key, one->rules.now, &there);

		outcome = is_there ? IMPORT_KNOWN : IMPORT_FULL;
	}
	n->read++;
	n->outcome[outcome]++;
	if (outcome == IMPORT_TAKEN) {
		n->tcp += fresh.key.proto == IPPROTO_NR_TCP;
		n->udp += fresh.key.proto == IPPROTO_NR_UDP;
		n->translated += translated;
	}
}

/*
 * Late closes of translated connections need the kernel's entry: without it they leave
 * untranslated, and finwall counts them as passed.
 */
static void check_timeout(const struct importer *im)
{
	const struct tunables *tun = &im->worker->policy->tun;
	const int64_t kernel_s = conntrack_established_s();
	const int64_t ours_s = (tun->tcp_timeout_ns[TCP_ESTABLISHED] +
	                        (tun->late_close == LATE_STRICT ? 0 : tun->remember_ns)) /
	                       NSEC_PER_SEC;

	if (kernel_s >= 0 && kernel_s <= ours_s) {
		log_write(im->log, LOG_LEVEL_WARNING,
		          "the kernel translates addresses, for %" PRId64
		          " s after a packet; late closes pass for %" PRId64
		          " s and then leave untranslated; raise "
		          "net.netfilter.nf_conntrack_tcp_timeout_established",
		          kernel_s, ours_s);
	}
}

static void log_counts(const struct importer *im, const struct import_counts *n)
{
	log_write(im->log, LOG_LEVEL_NOTICE,
	          "imported %" PRIu64 " connections of the kernel's tracker: %" PRIu64
	          " TCP, %" PRIu64 " UDP, %" PRIu64 " other; %" PRIu64 " with translated addresses",
	          n->outcome[IMPORT_TAKEN], n->tcp, n->udp,
	          n->outcome[IMPORT_TAKEN] - n->tcp - n->udp, n->translated);
	if (n->translated > 0) {
		check_timeout(im);
	}
	for (enum import_outcome o = IMPORT_TAKEN + 1; o < IMPORT_OUTCOMES_LEN; o++) {
		if (n->outcome[o] > 0) {
			log_write(im->log, LOG_LEVEL_NOTICE, "%" PRIu64 " not imported: %s",
			          n->outcome[o], import_outcome_text(o));
		}
	}
}
