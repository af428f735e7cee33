/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces as lines. The packet, the rules, the policy and the verdict are written as nft(8) writes
 * them; nft has no words for the connection, whose lines begin with `ct`.
 */
#include "wire/trace_text.h"

#include <finwall/flow_text.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule's text is cut here, so that what follows it is seen. */
#define RULE_TEXT_MAX 480

struct writer {
	const struct trace *t;
	const struct trace_names *names;
	void (*line)(void *ctx, const char *text);
	void *ctx;
	/* the chain that lines begin with: "inet filter input" */
	char chain[256];
	char text[TRACE_LINE_SIZE];
	size_t size; /* of the text so far */
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void begin(struct writer *w);
static void end(struct writer *w);
static void set_chain(struct writer *w, enum base_chain base, uint8_t family);
static void put_packet(struct writer *w);
static void write_before(struct writer *w);
static void write_steps(struct writer *w);
static void write_after(struct writer *w);
static void write_verdict(struct writer *w);

void trace_text(const struct trace *t, const struct trace_names *names,
                void (*line)(void *ctx, const char *text), void *ctx)
{
	struct writer w = { .t = t, .names = names, .line = line, .ctx = ctx };

	set_chain(&w, (enum base_chain)t->packet.hook, t->packet.tuple.family);
	begin(&w);
	put(&w, "packet:");
	put_packet(&w);
	end(&w);
	write_before(&w);
	write_steps(&w);
	set_chain(&w, (enum base_chain)t->packet.hook, t->packet.tuple.family);
	if (t->decision.is_held != 0) {
		begin(&w);
		put(&w, "verdict held, until the other end answers a probe");
		end(&w);
		return;
	}
	if (!t->is_explained) {
		write_after(&w);
	}
	write_verdict(&w);
}

/* lines */

static void put(struct writer *w, const char *fmt, ...)
{
	size_t left = sizeof(w->text) - w->size;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(w->text + w->size, left, fmt, args);
	va_end(args);
	if (n > 0) {
		w->size += (size_t)n < left ? (size_t)n : left - 1;
	}
}

static void begin(struct writer *w)
{
	w->size = 0;
	put(w, "trace id %08" PRIx32 " %s ", w->names->id, w->chain);
}

static void end(struct writer *w)
{
	w->line(w->ctx, w->text);
}

static void line(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line(struct writer *w, const char *fmt, ...)
{
	char text[TRACE_LINE_SIZE];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	begin(w);
	put(w, "%s", text);
	end(w);
}

/* chains */

static const char *const base_names[CHAINS_LEN] = { "input", "forward",    "output", "late",
	                                            "idle",  "prerouting", "output" };

static void name_chain(struct writer *w, const struct rule_place *at)
{
	(void)snprintf(w->chain, sizeof(w->chain), "%s %s %s", at->family, at->table, at->chain);
}

/* Lines of a hook without a chain begin with "hook input". */
static void set_chain(struct writer *w, enum base_chain base, uint8_t family)
{
	struct rule_place at;

	if (w->names->config != NULL && config_base_place(w->names->config, base, family, &at)) {
		name_chain(w, &at);
		return;
	}
	(void)snprintf(w->chain, sizeof(w->chain), "hook %s", base_names[base]);
}

/* the packet */

static void put_dscp(struct writer *w, const char *ip, uint8_t tos)
{
	static const char *const ecn[4] = { "not-ect", "ect1", "ect0", "ce" };
	unsigned dscp = tos >> 2;

	if (dscp % 8 == 0) {
		put(w, " %s dscp cs%u", ip, dscp / 8);
	} else {
		put(w, " %s dscp 0x%02x", ip, dscp);
	}
	put(w, " %s ecn %s", ip, ecn[tos & 3]);
}

static void put_protocol(struct writer *w, const char *key, uint8_t proto)
{
	const char *name = proto_name(proto);

	put(w, "%s%s", *key != '\0' ? " " : "", key);
	if (name != NULL) {
		put(w, " %s", proto == IPPROTO_NR_ICMPV6 ? "ipv6-icmp" : name);
	} else {
		put(w, " %u", proto);
	}
}

static void put_tcp_flags(struct writer *w, uint8_t flags)
{
	static const char *const names[8] = {
		"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"
	};
	const char *between = " tcp flags == ";

	if (flags == 0) {
		put(w, " tcp flags == 0x0");
	}
	for (unsigned i = 0; i < 8; i++) {
		if ((flags >> i & 1) != 0) {
			put(w, "%s%s", between, names[i]);
			between = " | ";
		}
	}
}

static void put_transport(struct writer *w, const struct trace_packet *p)
{
	const char *icmp = p->l4_proto == IPPROTO_NR_ICMP ? "icmp" : "icmpv6";

	if (p->depth < PKT_PORTS) {
		return;
	}
	switch (p->l4_proto) {
	case IPPROTO_NR_TCP:
		put(w, " tcp sport %u tcp dport %u", p->tuple.sport, p->tuple.dport);
		if (p->depth == PKT_FULL) {
			put(w, " tcp sequence %" PRIu32 " tcp ackseq %" PRIu32, p->seq, p->ack);
			put_tcp_flags(w, p->tcp_flags);
			put(w, " tcp window %u", p->win);
		}
		break;
	case IPPROTO_NR_UDP:
		put(w, " udp sport %u udp dport %u", p->tuple.sport, p->tuple.dport);
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		put(w, " %s type %u %s code %u", icmp, p->icmp_type, icmp, p->icmp_code);
		if (p->broken == REASON_NONE && p->kind == PKT_KIND_ICMP_QUERY) {
			put(w, " %s id %u", icmp, p->tuple.sport);
		}
		break;
	default:
		break;
	}
}

static void put_packet(struct writer *w)
{
	const struct trace_packet *p = &w->t->packet;
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];

	if (w->names->iif[0] != '\0') {
		put(w, " iif \"%s\"", w->names->iif);
	}
	if (w->names->oif[0] != '\0') {
		put(w, " oif \"%s\"", w->names->oif);
	}
	if (p->mark != 0) {
		put(w, " meta mark 0x%08" PRIx32, p->mark);
	}
	if (p->depth == PKT_NOTHING) {
		put(w, " meta length %" PRIu32, p->true_size);
		return;
	}
	addr_text(&p->tuple.src, p->tuple.family, src);
	addr_text(&p->tuple.dst, p->tuple.family, dst);
	if (p->tuple.family == 4) {
		put(w, " ip saddr %s ip daddr %s", src, dst);
		put_dscp(w, "ip", p->tos);
		put(w, " ip ttl %u ip id %u", p->ttl, p->ip_id);
		put_protocol(w, "ip protocol", p->l4_proto);
		put(w, " ip length %" PRIu32, p->true_size);
	} else {
		put(w, " ip6 saddr %s ip6 daddr %s", src, dst);
		put_dscp(w, "ip6", p->tos);
		put(w, " ip6 hoplimit %u", p->ttl);
		put_protocol(w, "ip6 nexthdr", p->l4_proto);
		put(w, " meta length %" PRIu32, p->true_size);
	}
	put_transport(w, p);
}

/* the connection before */

static void put_end(struct writer *w, const union ip_addr *addr, uint8_t family, uint16_t port,
                    bool has_port)
{
	char text[ADDR_TEXT_SIZE];

	addr_text(addr, family, text);
	if (!has_port) {
		put(w, "%s", text);
	} else if (family == 4) {
		put(w, "%s:%u", text, port);
	} else {
		put(w, "[%s]:%u", text, port);
	}
}

static void put_tuple(struct writer *w, const struct tuple *t)
{
	bool has_ports = t->proto == IPPROTO_NR_TCP || t->proto == IPPROTO_NR_UDP;

	put_end(w, &t->src, t->family, t->sport, has_ports);
	put(w, " > ");
	put_end(w, &t->dst, t->family, t->dport, has_ports);
}

static void put_state(struct writer *w, const struct flow *f)
{
	if (f->key.proto == IPPROTO_NR_TCP) {
		put(w, " %s", tcp_state_name((enum tcp_state)f->conn.tcp.state));
	}
	put(w, "%s",
	    (f->status & FLOW_ASSURED) != 0      ? " [ASSURED]"
	    : (f->status & FLOW_SEEN_REPLY) == 0 ? " [UNREPLIED]"
	                                         : "");
	if ((f->status & FLOW_REVIVED) != 0) {
		put(w, " revived");
	}
}

static const char *knowledge_text(uint8_t status)
{
	switch (status_knowledge(status)) {
	case KNOWN_LEARNT:
		return ", windows learnt but not proved";
	case KNOWN_GAP:
		return ", windows of before a gap";
	case KNOWN_NOTHING:
		return ", windows unknown";
	default:
		return "";
	}
}

static void write_windows(struct writer *w, const struct tcp_conn *c)
{
	begin(w);
	put(w, "ct windows:");
	for (unsigned dir = 0; dir < 2; dir++) {
		const struct tcp_seen *s = &c->seen[dir];

		put(w,
		    "%s end %" PRIu32 " max-end %" PRIu32 " max-window %" PRIu32 " max-ack %" PRIu32
		    " scale %u",
		    dir == DIR_ORIG ? " original" : ", reply", s->end, s->maxend, s->maxwin_bytes,
		    s->maxack, c->scale[dir]);
		if ((c->flags[dir] & TCP_SIDE_LIBERAL) != 0) {
			put(w, " liberal");
		}
	}
	end(w);
}

static void write_segment(struct writer *w, const struct tcp_conn *c)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} conditions[] = {
		{ TRACE_SEQ_INSIDE, "begins beyond the receiver's window" },
		{ TRACE_SEQ_RECENT, "ends before the receiver's window" },
		{ TRACE_ACK_SEEN, "acknowledges data that was not sent" },
		{ TRACE_ACK_RECENT, "acknowledgement too old" },
	};
	const struct trace *t = w->t;
	const struct trace_packet *p = &t->packet;
	bool is_syn = (p->tcp_flags & TCP_SYN) != 0;
	uint32_t end_seq = p->seq + p->payload_size + is_syn + ((p->tcp_flags & TCP_FIN) != 0);
	const char *between = ": ";

	begin(w);
	put(w, "ct segment: %s begin %" PRIu32 " end %" PRIu32,
	    t->dir == DIR_ORIG ? "original" : "reply", p->seq, end_seq);
	if ((p->tcp_flags & TCP_ACK) != 0) {
		put(w, " ack %" PRIu32, p->ack);
	}
	put(w, " window %" PRIu32, is_syn ? p->win : (uint32_t)p->win << c->scale[t->dir]);
	if (t->has_fit && t->fit == TRACE_FIT_ALL) {
		put(w, ": fits the windows");
	}
	for (size_t i = 0; t->has_fit && i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if ((t->fit & conditions[i].bit) == 0) {
			put(w, "%s%s", between, conditions[i].text);
			between = ", ";
		}
	}
	end(w);
}

static void write_entry(struct writer *w)
{
	const struct trace *t = w->t;
	struct tuple orig;

	flowkey_to_tuple(&t->before.key, flow_orig_side(&t->before), &orig);
	begin(w);
	put(w, "ct entry:");
	put_protocol(w, "", t->before.key.proto);
	put_state(w, &t->before);
	put(w, ", opened by ");
	put_tuple(w, &orig);
	put(w, "%s", knowledge_text(t->before.status));
	if (t->entry == TRACE_DUE) {
		put(w, ", past its timeout: it expires first");
	}
	end(w);
}

static void write_tomb(struct writer *w)
{
	const struct trace *t = w->t;

	line(w, "ct remembered: %s, ended %llds ago (%s)%s%s",
	     tcp_state_name((enum tcp_state)t->tomb.conn.state),
	     (long long)(mono_diff(t->now, t->tomb.ended) / NSEC_PER_SEC),
	     tomb_cause_name((enum tomb_cause)t->tomb.cause), knowledge_text(t->tomb.status),
	     t->tomb_is_old ? ", too long ago: it is forgotten" : "");
}

static void write_before(struct writer *w)
{
	const struct trace *t = w->t;
	const struct tcp_conn *conn = NULL;

	if (t->entry == TRACE_NO_KEY) {
		line(w, "ct entry: not looked up");
		return;
	}
	if (t->packet.broken == REASON_NONE && t->packet.kind == PKT_KIND_ICMP_ERROR) {
		begin(w);
		put(w, "ct quoted:");
		put_protocol(w, "", t->packet.quoted.proto);
		put(w, " ");
		put_tuple(w, &t->packet.quoted);
		end(w);
	}
	if (t->entry == TRACE_NONE) {
		line(w, "ct entry: none");
	} else {
		write_entry(w);
		conn = t->before.key.proto == IPPROTO_NR_TCP ? &t->before.conn.tcp : NULL;
	}
	if (t->has_tomb) {
		write_tomb(w);
		conn = conn != NULL ? conn : &t->tomb.conn;
	} else if (t->entry == TRACE_NONE && t->packet.l4_proto == IPPROTO_NR_TCP &&
	           t->packet.class_nr != SEG_SYN) {
		line(w, "ct remembered: none");
	}
	if (conn != NULL) {
		write_windows(w, conn);
		if (t->packet.kind == PKT_KIND_TCP && !t->is_explained) {
			write_segment(w, conn);
		}
	}
}

/* the rules */

/* The state that rules match, and why. */
static void write_state(struct writer *w, const struct rule_step *step)
{
	const struct trace *t = w->t;
	enum reason why = (enum reason)t->decision.reason;

	begin(w);
	put(w, "ct state %s", ct_state_name((enum ct_state)step->state));
	if (step->state != CT_INVALID && step->state != CT_UNTRACKED) {
		put(w, " ct direction %s", t->decision.dir == DIR_ORIG ? "original" : "reply");
	}
	if (why < REASONS_LEN && why != REASON_TABLE_FULL) {
		put(w, ": %s, %s", reason_name(why), reason_text(why));
	}
	end(w);
}

static void put_verdict(struct writer *w, uint8_t code, uint8_t with)
{
	put(w, "%s", rule_code_word(code));
	if (code == RULE_REJECT) {
		put(w, " with %s", reject_with_text(with, w->t->packet.tuple.family));
	}
}

/* "jump CHAIN"; without the configuration "jump". */
static void put_target(struct writer *w, const char *verb, uint32_t chain_nr)
{
	struct rule_place to;

	if (w->names->config != NULL && config_chain_place(w->names->config, chain_nr, &to)) {
		put(w, "%s %s", verb, to.chain);
	} else {
		put(w, "%s", verb);
	}
}

static void put_then(struct writer *w, const struct rule_step *step)
{
	switch ((enum rule_step_then)step->then) {
	case STEP_JUMP:
		put_target(w, "jump", step->chain_nr);
		break;
	case STEP_GOTO:
		put_target(w, "goto", step->chain_nr);
		break;
	case STEP_RETURN:
		put(w, "return");
		break;
	case STEP_VERDICT:
		put_verdict(w, step->code, step->with);
		break;
	default:
		put(w, "continue");
		break;
	}
}

static void write_rule(struct writer *w, const struct rule_step *step)
{
	const struct config *c = w->names->config;
	struct rule_place at;
	char *text;

	if (c == NULL || !config_rule_place(c, step->rule_nr, &at)) {
		begin(w);
		put(w, "rule of a configuration that is gone (verdict ");
		put_then(w, step);
		put(w, ")");
		end(w);
		return;
	}
	text = config_rule_text(c, step->rule_nr);
	name_chain(w, &at);
	begin(w);
	put(w, "rule %.*s%s (verdict ", RULE_TEXT_MAX, text != NULL ? text : "?",
	    text != NULL && strlen(text) > RULE_TEXT_MAX ? "..." : "");
	put_then(w, step);
	put(w, ") at %s:%" PRIu32, at.file, at.line);
	end(w);
	free(text);
}

static void write_end(struct writer *w, const struct rule_step *step)
{
	struct rule_place at;

	if (w->names->config != NULL && config_chain_place(w->names->config, step->chain_nr, &at)) {
		name_chain(w, &at);
	}
	line(w, "verdict continue");
}

static void write_policy(struct writer *w, const struct rule_step *step)
{
	struct rule_place at = { .file = NULL };

	set_chain(w, (enum base_chain)step->chain, step->family);
	begin(w);
	put(w, "policy %s", rule_code_word(step->code));
	if (w->names->config != NULL &&
	    config_base_place(w->names->config, (enum base_chain)step->chain, step->family, &at) &&
	    at.file != NULL) {
		put(w, " at %s:%" PRIu32, at.file, at.line);
	}
	end(w);
}

/* There is no chain: the packets of the hook pass, or a setting decides. */
static void write_setting(struct writer *w, const struct rule_step *step)
{
	const char *setting = step->chain == CHAIN_LATE   ? "setting late-close: "
	                      : step->chain == CHAIN_IDLE ? "setting on-idle: "
	                                                  : "";

	set_chain(w, (enum base_chain)step->chain, w->t->packet.tuple.family);
	line(w, "no chain, %spolicy %s", setting, rule_code_word(step->code));
}

static void write_step(struct writer *w, const struct rule_step *step)
{
	switch ((enum rule_step_kind)step->kind) {
	case STEP_CHAIN:
		set_chain(w, (enum base_chain)step->chain,
		          step->family != 0 ? step->family : w->t->packet.tuple.family);
		if (step->chain != CHAIN_LATE && step->chain != CHAIN_IDLE) {
			write_state(w, step);
		}
		break;
	case STEP_RULE:
		write_rule(w, step);
		break;
	case STEP_END:
		write_end(w, step);
		break;
	case STEP_POLICY:
		write_policy(w, step);
		break;
	case STEP_SETTING:
		write_setting(w, step);
		break;
	}
}

static void write_steps(struct writer *w)
{
	const struct rule_trace *steps = &w->t->steps;

	for (uint32_t i = 0; i < steps->len; i++) {
		if (steps->left_out > 0 && i + 1 == steps->len) {
			line(w, "%" PRIu32 " steps left out", steps->left_out);
		}
		write_step(w, &steps->step[i]);
	}
}

/* after */

static void put_timeout(struct writer *w, const struct flow *f)
{
	int64_t left_ns = mono_diff(f->deadline, w->t->now);

	put(w, ", timeout %" PRId64 "s", left_ns / NSEC_PER_SEC);
}

static bool state_is_same(const struct flow *a, const struct flow *b)
{
	return a->status == b->status &&
	       (a->key.proto != IPPROTO_NR_TCP || a->conn.tcp.state == b->conn.tcp.state);
}

static void write_after(struct writer *w)
{
	const struct trace *t = w->t;
	bool was_live = t->entry == TRACE_LIVE;

	if (t->entry == TRACE_NO_KEY) {
		return;
	}
	begin(w);
	if (!t->has_after) {
		put(w, "%s",
		    was_live                ? "ct entry: deleted"
		    : t->entry == TRACE_DUE ? "ct entry: expired, none made"
		                            : "ct entry: none made");
		end(w);
		return;
	}
	if (was_live && state_is_same(&t->before, &t->after)) {
		put(w, "ct entry: stays");
		put_state(w, &t->after);
	} else if (was_live) {
		put(w, "ct entry: was");
		put_state(w, &t->before);
		put(w, ", is");
		put_state(w, &t->after);
	} else {
		put(w, "ct entry: made,");
		put_state(w, &t->after);
	}
	put_timeout(w, &t->after);
	end(w);
}

static void write_verdict(struct writer *w)
{
	const struct decision *d = &w->t->decision;

	begin(w);
	put(w, "verdict %s", verdict_name((enum verdict)d->verdict));
	if (d->verdict == VERDICT_REJECT) {
		put(w, " with %s", reject_with_text(d->reject_with, w->t->packet.tuple.family));
	}
	if (d->mark_is_set != 0) {
		put(w, " meta mark set 0x%08" PRIx32, d->mark);
	}
	if (d->reason == REASON_TABLE_FULL) {
		put(w, ": %s, %s", reason_name(REASON_TABLE_FULL), reason_text(REASON_TABLE_FULL));
	}
	if (d->reason == REASON_LATE_REJECTED) {
		put(w, ", sender reset");
	}
	if (!w->t->is_enforced) {
		put(w, " (enforce off: every packet passes)");
	}
	end(w);
}
