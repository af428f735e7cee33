/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets for explanations, and the text of the result. A packet has the fields that rules can
 * match: one without options and payload, hop limit 64, no checksum.
 */
#include "wire/explain.h"

#include "text/addr.h"

#include <finwall/bytes.h>
#include <finwall/flow_text.h>

#include <stdio.h>
#include <string.h>

#define IP4_SIZE  20
#define IP6_SIZE  40
#define TCP_SIZE  20
#define UDP_SIZE  8
#define ICMP_SIZE 8
#define HOP_LIMIT 64
#define WINDOW    64240

#define ICMP_ECHO_REPLY   0
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO       128
#define ICMPV6_ECHO_REPLY 129
#define ICMP_ADDRESS_MASK 17
#define ICMP_TIMESTAMP    13
#define ICMP_INFORMATION  15

static bool read_u16(const json_t *value, uint16_t *out)
{
	json_int_t n = json_integer_value(value);

	*out = (uint16_t)n;
	return json_is_integer(value) && n >= 0 && n <= UINT16_MAX;
}

static bool read_addr(const json_t *value, union ip_addr *out, uint8_t *family)
{
	const char *text = json_string_value(value);
	struct text_addr a;

	if (text == NULL || !text_addr(text, strlen(text), &a)) {
		return false;
	}
	memcpy(out->bytes, a.bytes, sizeof(out->bytes));
	*family = a.family;
	return true;
}

static bool read_proto(const json_t *value, uint8_t *out)
{
	const char *name = json_string_value(value);
	json_int_t n = name != NULL ? proto_number(name) : json_integer_value(value);

	*out = (uint8_t)n;
	return (name != NULL || json_is_integer(value)) && n >= 0 && n <= UINT8_MAX;
}

static bool read_hook(const json_t *value, uint8_t *out)
{
	const char *name = json_string_value(value);

	for (unsigned h = 0; name != NULL && h < HOOKS_LEN; h++) {
		if (strcmp(name, hook_name((enum hook)h)) == 0) {
			*out = (uint8_t)h;
			return true;
		}
	}
	return false;
}

static bool read_ifname(const json_t *value, char out[RULE_IFNAME_SIZE])
{
	const char *name = json_string_value(value);

	if (value == NULL) {
		return true;
	}
	if (name == NULL || strlen(name) >= RULE_IFNAME_SIZE) {
		return false;
	}
	strcpy(out, name);
	return true;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_NR_ICMP || proto == IPPROTO_NR_ICMPV6;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_NR_TCP || proto == IPPROTO_NR_UDP;
}

/* What the protocol has besides addresses. */
static bool read_transport(const json_t *object, struct tuple *t, const char **wrong)
{
	const json_t *sport = json_object_get(object, "source_port");
	const json_t *type = json_object_get(object, "type");
	uint16_t n;

	if (has_ports(t->proto)) {
		*wrong = "destination_port";
		if (!read_u16(json_object_get(object, "destination_port"), &t->dport)) {
			return false;
		}
		*wrong = "source_port";
		t->sport = EXPLAIN_SPORT;
		return sport == NULL || read_u16(sport, &t->sport);
	}
	if (!is_icmp(t->proto)) {
		return true;
	}
	*wrong = "type";
	n = t->family == 4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO;
	if (type != NULL && (!read_u16(type, &n) || n > UINT8_MAX)) {
		return false;
	}
	t->dport = (uint16_t)(n << 8);
	t->sport = 1;
	return true;
}

bool explain_parse(const json_t *object, struct explain_request *out, const char **wrong)
{
	const json_t *mark = json_object_get(object, "mark");
	struct tuple *t = &out->tuple;
	uint8_t family;

	memset(out, 0, sizeof(*out));
	*wrong = "protocol";
	if (!read_proto(json_object_get(object, "protocol"), &t->proto)) {
		return false;
	}
	*wrong = "source";
	if (!read_addr(json_object_get(object, "source"), &t->src, &t->family)) {
		return false;
	}
	*wrong = "destination";
	if (!read_addr(json_object_get(object, "destination"), &t->dst, &family) ||
	    family != t->family) {
		return false;
	}
	if (!read_transport(object, t, wrong)) {
		return false;
	}
	*wrong = "hook";
	if (!read_hook(json_object_get(object, "hook"), &out->hook)) {
		return false;
	}
	*wrong = "in";
	if (!read_ifname(json_object_get(object, "in"), out->in)) {
		return false;
	}
	*wrong = "out";
	if (!read_ifname(json_object_get(object, "out"), out->out)) {
		return false;
	}
	*wrong = "mark";
	out->mark = (uint32_t)json_integer_value(mark);
	return mark == NULL || (json_is_integer(mark) && json_integer_value(mark) >= 0 &&
	                        json_integer_value(mark) <= UINT32_MAX);
}

/* Writes the transport header. Returns its size. */
static uint32_t write_transport(const struct tuple *t, enum explain_packet_nr nr, uint8_t *l4)
{
	switch (t->proto) {
	case IPPROTO_NR_TCP:
		store_be16(l4, t->sport);
		store_be16(l4 + 2, t->dport);
		store_be32(l4 + 4, 1);
		store_be32(l4 + 8, nr == EXPLAIN_REPLY ? 2 : 0);
		l4[12] = TCP_SIZE / 4 << 4;
		l4[13] = nr == EXPLAIN_REPLY ? TCP_SYN | TCP_ACK : TCP_SYN;
		store_be16(l4 + 14, WINDOW);
		return TCP_SIZE;
	case IPPROTO_NR_UDP:
		store_be16(l4, t->sport);
		store_be16(l4 + 2, t->dport);
		store_be16(l4 + 4, UDP_SIZE);
		return UDP_SIZE;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		l4[0] = (uint8_t)(t->dport >> 8);
		l4[1] = (uint8_t)t->dport;
		store_be16(l4 + 4, t->sport);
		return ICMP_SIZE;
	default:
		return 0;
	}
}

static uint32_t write_packet(const struct tuple *t, enum explain_packet_nr nr, uint8_t *ip)
{
	uint32_t size;

	memset(ip, 0, EXPLAIN_PACKET_SIZE);
	if (t->family == 4) {
		size = IP4_SIZE + write_transport(t, nr, ip + IP4_SIZE);
		ip[0] = 4 << 4 | IP4_SIZE / 4;
		store_be16(ip + 2, (uint16_t)size);
		ip[8] = HOP_LIMIT;
		ip[9] = t->proto;
		memcpy(ip + 12, t->src.bytes, 4);
		memcpy(ip + 16, t->dst.bytes, 4);
		return size;
	}
	size = IP6_SIZE + write_transport(t, nr, ip + IP6_SIZE);
	ip[0] = 6 << 4;
	store_be16(ip + 4, (uint16_t)(size - IP6_SIZE));
	ip[6] = t->proto;
	ip[7] = HOP_LIMIT;
	memcpy(ip + 8, t->src.bytes, 16);
	memcpy(ip + 24, t->dst.bytes, 16);
	return size;
}

/* The type of the answer to an ICMP query, or -1. */
static int reply_type(const struct tuple *t)
{
	unsigned type = t->dport >> 8;

	if (t->proto == IPPROTO_NR_ICMPV6) {
		return type == ICMPV6_ECHO ? ICMPV6_ECHO_REPLY : -1;
	}
	switch (type) {
	case ICMP_ECHO_REQUEST:
		return ICMP_ECHO_REPLY;
	case ICMP_TIMESTAMP:
	case ICMP_INFORMATION:
	case ICMP_ADDRESS_MASK:
		return (int)type + 1;
	default:
		return -1;
	}
}

static struct tuple reply_tuple(const struct tuple *t)
{
	struct tuple reply = tuple_reversed(t);

	if (is_icmp(t->proto)) {
		reply.sport = t->sport;
		reply.dport = (uint16_t)(reply_type(t) << 8);
	}
	return reply;
}

static enum hook reply_hook(enum hook hook)
{
	switch (hook) {
	case HOOK_INPUT:
		return HOOK_OUTPUT;
	case HOOK_OUTPUT:
		return HOOK_INPUT;
	default:
		return hook;
	}
}

void explain_frame(const struct explain_request *req, enum explain_packet_nr nr,
                   uint8_t bytes[EXPLAIN_PACKET_SIZE], struct frame *frame)
{
	bool is_reply = nr == EXPLAIN_REPLY;
	struct tuple t = is_reply ? reply_tuple(&req->tuple) : req->tuple;
	enum hook hook = is_reply ? reply_hook((enum hook)req->hook) : (enum hook)req->hook;
	uint32_t size = write_packet(&t, nr, bytes);

	*frame = (struct frame){
		.data = bytes,
		.cap_size = size,
		.true_size = size,
		.iif = is_reply ? req->oif : req->iif,
		.oif = is_reply ? req->iif : req->oif,
		.mark = is_reply ? 0 : req->mark,
		.hook = (uint8_t)hook,
		.csum = CSUM_TRUSTED,
	};
}

void explain_run(struct engine *e, struct engine_worker *w, struct mono now,
                 const struct explain_request *req, struct explanation *out)
{
	uint8_t bytes[EXPLAIN_PACKET_SIZE];
	struct frame frame;

	explain_frame(req, EXPLAIN_FIRST, bytes, &frame);
	engine_explain(e, w, now, &frame, CT_NEW, DIR_ORIG, &out->trace[EXPLAIN_FIRST]);
	out->has_reply = out->trace[EXPLAIN_FIRST].decision.verdict == VERDICT_ACCEPT &&
	                 (!is_icmp(req->tuple.proto) || reply_type(&req->tuple) >= 0);
	if (out->has_reply) {
		explain_frame(req, EXPLAIN_REPLY, bytes, &frame);
		engine_explain(e, w, now, &frame, CT_ESTABLISHED, DIR_REPLY,
		               &out->trace[EXPLAIN_REPLY]);
	}
}

static struct trace_names names_of(const struct explain_request *req, enum explain_packet_nr nr,
                                   const struct config *config)
{
	bool is_reply = nr == EXPLAIN_REPLY;

	return (struct trace_names){
		.config = config,
		.iif = is_reply ? req->out : req->in,
		.oif = is_reply ? req->in : req->out,
		.id = (uint32_t)nr + 1,
	};
}

static void write_sum(const struct explanation *x, const struct config *config,
                      enum explain_packet_nr nr, const char *what, char *out, size_t out_size)
{
	const struct trace *t = &x->trace[nr];
	char place[RULE_PLACE_SIZE];

	rule_place_text(config, t->decision.rule_nr, (enum base_chain)t->packet.hook,
	                t->packet.tuple.family, place);
	(void)snprintf(out, out_size, "%s: %s%s%s%s%s", what,
	               verdict_name((enum verdict)t->decision.verdict),
	               t->is_enforced ? "" : " (enforce off: it passes)",
	               place[0] == '\0'                    ? ", no chain"
	               : t->decision.rule_nr != UINT32_MAX ? ", by the rule at "
	                                                   : ", by the policy of ",
	               place,
	               nr == EXPLAIN_FIRST && t->entry == TRACE_LIVE
	                       ? " (a live connection has this key)"
	                       : "");
}

void explain_text(const struct explanation *x, const struct explain_request *req,
                  const struct config *config, void (*line)(void *ctx, const char *text), void *ctx)
{
	static const char *const what[EXPLAIN_PACKETS_LEN] = { "connection", "replies" };
	char text[RULE_PLACE_SIZE + 128];

	for (unsigned nr = 0; nr < EXPLAIN_PACKETS_LEN; nr++) {
		struct trace_names names = names_of(req, (enum explain_packet_nr)nr, config);

		if (nr == EXPLAIN_FIRST || x->has_reply) {
			trace_text(&x->trace[nr], &names, line, ctx);
		}
	}
	for (unsigned nr = 0; nr < EXPLAIN_PACKETS_LEN; nr++) {
		if (nr == EXPLAIN_FIRST || x->has_reply) {
			write_sum(x, config, (enum explain_packet_nr)nr, what[nr], text,
			          sizeof(text));
			line(ctx, text);
		}
	}
}

json_t *explain_json(const struct explanation *x, const struct explain_request *req,
                     const struct config *config)
{
	static const char *const members[EXPLAIN_PACKETS_LEN] = { "first", "reply" };
	json_t *o = json_pack("{s:s}", "verdict",
	                      verdict_name((enum verdict)x->trace[EXPLAIN_FIRST].decision.verdict));

	for (unsigned nr = 0; o != NULL && nr < EXPLAIN_PACKETS_LEN; nr++) {
		struct trace_names names = names_of(req, (enum explain_packet_nr)nr, config);

		if (nr == EXPLAIN_FIRST || x->has_reply) {
			json_object_set_new(o, members[nr], trace_json(&x->trace[nr], &names));
		}
	}
	return o;
}
