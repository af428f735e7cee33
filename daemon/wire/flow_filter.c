/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters of lists, and the key of one connection, from JSON. The JSON is untrusted: the type and
 * range of each member are checked here.
 */
#include "text/addr.h"
#include "text/num.h"
#include <finwall/flow_text.h>

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

static bool read_proto(const json_t *value, uint8_t *out);
static bool read_addr(const json_t *value, union ip_addr *addr, uint8_t *family, uint8_t *bits);
static bool read_u16(const json_t *value, uint16_t *out);
static bool read_tcp_state(const json_t *value, uint8_t *out);
static bool has_ports(uint8_t proto);
static bool addr_matches(const struct flow_filter *filter, const union ip_addr *addr);

bool flow_filter_parse(const json_t *object, struct flow_filter *out, const char **wrong)
{
	const json_t *proto = json_object_get(object, "protocol");
	const json_t *addr = json_object_get(object, "address");
	const json_t *port = json_object_get(object, "port");
	const json_t *state = json_object_get(object, "state");

	memset(out, 0, sizeof(*out));
	out->has_proto = proto != NULL;
	out->has_port = port != NULL;
	out->has_state = state != NULL;
	*wrong = "filter";
	if (object != NULL && !json_is_object(object)) {
		return false;
	}
	*wrong = "protocol";
	if (proto != NULL && !read_proto(proto, &out->proto)) {
		return false;
	}
	*wrong = "address";
	if (addr != NULL && !read_addr(addr, &out->addr, &out->addr_family, &out->addr_bits)) {
		return false;
	}
	*wrong = "port";
	if (port != NULL && !read_u16(port, &out->port)) {
		return false;
	}
	*wrong = "state";
	return state == NULL || read_tcp_state(state, &out->tcp_state);
}

bool flow_filter_matches(const struct flow_filter *filter, const struct flow_view *v)
{
	const struct tuple *t = &v->orig;

	if (filter->has_proto && t->proto != filter->proto) {
		return false;
	}
	if (filter->has_state && (t->proto != IPPROTO_TCP || v->tcp.state != filter->tcp_state)) {
		return false;
	}
	if (filter->has_port &&
	    (!has_ports(t->proto) || (t->sport != filter->port && t->dport != filter->port))) {
		return false;
	}
	return filter->addr_family == 0 ||
	       (filter->addr_family == t->family &&
	        (addr_matches(filter, &t->src) || addr_matches(filter, &t->dst)));
}

bool flow_key_parse(const json_t *object, struct flowkey *out, const char **wrong)
{
	struct tuple t = { 0 };
	enum key_side side;
	uint8_t dst_family;
	uint8_t bits;

	*wrong = "protocol";
	if (!read_proto(json_object_get(object, "protocol"), &t.proto)) {
		return false;
	}
	*wrong = "source";
	if (!read_addr(json_object_get(object, "source"), &t.src, &t.family, &bits) ||
	    bits != addr_bits(t.family)) {
		return false;
	}
	*wrong = "destination";
	if (!read_addr(json_object_get(object, "destination"), &t.dst, &dst_family, &bits) ||
	    dst_family != t.family || bits != addr_bits(t.family)) {
		return false;
	}
	if (has_ports(t.proto)) {
		*wrong = "source_port";
		if (!read_u16(json_object_get(object, "source_port"), &t.sport)) {
			return false;
		}
		*wrong = "destination_port";
		if (!read_u16(json_object_get(object, "destination_port"), &t.dport)) {
			return false;
		}
	} else if (t.proto == IPPROTO_ICMP || t.proto == IPPROTO_ICMPV6) {
		uint16_t type;

		*wrong = "id";
		if (!read_u16(json_object_get(object, "id"), &t.sport)) {
			return false;
		}
		*wrong = "type";
		if (!read_u16(json_object_get(object, "type"), &type) || type > UINT8_MAX) {
			return false;
		}
		t.dport = (uint16_t)(type << 8);
	}
	*wrong = "protocol";
	return flowkey_from_tuple(&t, out, &side);
}

/* A name, a number, or a number in a string, as the command line sends it. */
static bool read_proto(const json_t *value, uint8_t *out)
{
	const char *text = json_string_value(value);
	json_int_t number = json_integer_value(value);

	if (text != NULL) {
		uint64_t n;

		number = proto_number(text);
		if (number < 0 && text_number(text, 0, UINT8_MAX, &n)) {
			number = (json_int_t)n;
		}
	} else if (!json_is_integer(value)) {
		return false;
	}
	*out = (uint8_t)number;
	return number >= 0 && number <= UINT8_MAX;
}

/* "192.0.2.1" or "192.0.2.0/24". */
static bool read_addr(const json_t *value, union ip_addr *addr, uint8_t *family, uint8_t *bits)
{
	const char *text = json_string_value(value);
	struct text_addr a;

	if (text == NULL || !text_prefix(text, strlen(text), &a)) {
		return false;
	}
	memcpy(addr->bytes, a.bytes, sizeof(addr->bytes));
	*family = a.family;
	*bits = a.bits;
	return true;
}

static bool read_u16(const json_t *value, uint16_t *out)
{
	json_int_t number = json_integer_value(value);

	*out = (uint16_t)number;
	return json_is_integer(value) && number >= 0 && number <= UINT16_MAX;
}

static bool read_tcp_state(const json_t *value, uint8_t *out)
{
	const char *text = json_string_value(value);

	for (unsigned s = 0; text != NULL && s < TCP_STATES_LEN; s++) {
		if (strcasecmp(text, tcp_state_name(s)) == 0) {
			*out = (uint8_t)s;
			return true;
		}
	}
	return false;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static bool addr_matches(const struct flow_filter *filter, const union ip_addr *addr)
{
	unsigned whole = filter->addr_bits / 8;
	unsigned rest = filter->addr_bits % 8;
	uint8_t differs;

	if (memcmp(addr->bytes, filter->addr.bytes, whole) != 0) {
		return false;
	}
	if (rest == 0) {
		return true;
	}
	differs = addr->bytes[whole] ^ filter->addr.bytes[whole];
	return (differs >> (8 - rest)) == 0;
}
