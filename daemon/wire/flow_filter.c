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
static bool read_member(const char *name, const json_t *value, struct flow_filter *out);
static bool read_mark(const json_t *value, struct flow_filter *out);
static bool read_tcp_states(const json_t *value, uint32_t *out);
static bool read_ifname(const json_t *value, char out[FLOW_IFNAME_SIZE]);
static bool read_seconds(const json_t *value, int64_t *out_ns);
static bool read_rule(const json_t *value, struct flow_filter *out);
static bool has_ports(uint8_t proto);
static bool ports_match(const struct flow_filter *filter, const struct tuple *t);
static bool icmp_matches(const struct flow_filter *filter, const struct tuple *t);
static bool live_members_match(const struct flow_filter *filter, const struct flow_view *v);
static bool prefix_matches(const struct flow_prefix *p, const struct tuple *t,
                           const union ip_addr *addr);

bool flow_filter_parse(const json_t *object, struct flow_filter *out, const char **wrong)
{
	const char *name;
	json_t *value;

	memset(out, 0, sizeof(*out));
	*wrong = "filter";
	if (object != NULL && !json_is_object(object)) {
		return false;
	}
	/* the macro takes no const object; nothing is changed */
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		*wrong = name;
		if (!read_member(name, value, out)) {
			return false;
		}
	}
	*wrong = "destination";
	return out->src.family == 0 || out->dst.family == 0 || out->src.family == out->dst.family;
}

bool flow_filter_matches(const struct flow_filter *filter, const struct flow_view *v)
{
	const struct tuple *t = &v->orig;

	if (filter->has_proto && t->proto != filter->proto) {
		return false;
	}
	if (filter->tcp_states != 0 &&
	    (t->proto != IPPROTO_TCP || (filter->tcp_states >> v->tcp.state & 1) == 0)) {
		return false;
	}
	if (filter->has_mark && (v->mark & filter->mark_mask) != filter->mark) {
		return false;
	}
	if (!ports_match(filter, t) || !icmp_matches(filter, t) || !live_members_match(filter, v)) {
		return false;
	}
	return prefix_matches(&filter->src, t, &t->src) &&
	       prefix_matches(&filter->dst, t, &t->dst) &&
	       (prefix_matches(&filter->either, t, &t->src) ||
	        prefix_matches(&filter->either, t, &t->dst));
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

static bool read_member(const char *name, const json_t *value, struct flow_filter *out)
{
	const struct {
		const char *name;
		struct flow_prefix *prefix;
	} prefixes[] = {
		{ "address", &out->either },
		{ "source", &out->src },
		{ "destination", &out->dst },
	};
	const struct {
		const char *name;
		uint8_t *has;
		uint16_t *number;
	} numbers[] = {
		{ "port", &out->has_port, &out->port },
		{ "source_port", &out->has_sport, &out->sport },
		{ "destination_port", &out->has_dport, &out->dport },
		{ "type", &out->has_type, &out->type },
		{ "id", &out->has_id, &out->id },
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct flow_prefix *p = prefixes[i].prefix;

		if (strcmp(name, prefixes[i].name) == 0) {
			return read_addr(value, &p->addr, &p->family, &p->bits);
		}
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name) == 0) {
			*numbers[i].has = 1;
			return read_u16(value, numbers[i].number);
		}
	}
	if (strcmp(name, "protocol") == 0) {
		out->has_proto = 1;
		return read_proto(value, &out->proto);
	}
	if (strcmp(name, "mark") == 0) {
		out->has_mark = 1;
		return read_mark(value, out);
	}
	if (strcmp(name, "state") == 0) {
		return read_tcp_states(value, &out->tcp_states);
	}
	if (strcmp(name, "interface") == 0) {
		return read_ifname(value, out->ifname);
	}
	if (strcmp(name, "rule") == 0) {
		return read_rule(value, out);
	}
	if (strcmp(name, "idle_over_s") == 0) {
		return read_seconds(value, &out->idle_over_ns);
	}
	return strcmp(name, "expires_under_s") == 0 && read_seconds(value, &out->expires_under_ns);
}

/* A number, or a text as the command line sends it. */
static bool read_mark(const json_t *value, struct flow_filter *out)
{
	const char *text = json_string_value(value);
	json_int_t number = json_integer_value(value);

	if (text != NULL) {
		return text_mark(text, &out->mark, &out->mark_mask);
	}
	if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) {
		return false;
	}
	out->mark = (uint32_t)number;
	out->mark_mask = UINT32_MAX;
	return true;
}

/* "CLOSE", "TIME_WAIT,CLOSE": in capitals or not. */
static bool read_tcp_states(const json_t *value, uint32_t *out)
{
	const char *text = json_string_value(value);

	while (text != NULL) {
		size_t size = strcspn(text, ",");
		unsigned s = 0;

		while (s < TCP_STATES_LEN && (strlen(tcp_state_name(s)) != size ||
		                              strncasecmp(text, tcp_state_name(s), size) != 0)) {
			s++;
		}
		if (s == TCP_STATES_LEN) {
			return false;
		}
		*out |= UINT32_C(1) << s;
		text = text[size] == ',' ? text + size + 1 : NULL;
	}
	return *out != 0;
}

static bool read_ifname(const json_t *value, char out[FLOW_IFNAME_SIZE])
{
	const char *text = json_string_value(value);

	if (text == NULL || *text == '\0' || strlen(text) >= FLOW_IFNAME_SIZE) {
		return false;
	}
	strcpy(out, text);
	return true;
}

static bool read_seconds(const json_t *value, int64_t *out_ns)
{
	json_int_t sec = json_integer_value(value);

	if (!json_is_integer(value) || sec <= 0 || sec > INT64_MAX / NSEC_PER_SEC) {
		return false;
	}
	*out_ns = sec_to_ns(sec);
	return true;
}

/* "12", "finwall.conf:12", "/etc/finwall/finwall.conf:12" */
static bool read_rule(const json_t *value, struct flow_filter *out)
{
	const char *text = json_string_value(value);
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;
	uint64_t line;

	if (text == NULL || size >= sizeof(out->rule_file) || colon == text ||
	    !text_number(colon != NULL ? colon + 1 : text, 1, UINT32_MAX, &line)) {
		return false;
	}
	memcpy(out->rule_file, text, size);
	out->rule_line = (uint32_t)line;
	return true;
}

bool flow_filter_wants_rule(const struct flow_filter *filter, const char *file, uint32_t line)
{
	size_t size = strlen(filter->rule_file);
	size_t file_size;

	if (filter->rule_line == 0) {
		return true;
	}
	if (file == NULL || line != filter->rule_line) {
		return false;
	}
	file_size = strlen(file);
	return size <= file_size && strcmp(file + file_size - size, filter->rule_file) == 0 &&
	       (size == 0 || size == file_size || file[file_size - size - 1] == '/' ||
	        filter->rule_file[0] == '/');
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static bool ports_match(const struct flow_filter *filter, const struct tuple *t)
{
	if (!filter->has_port && !filter->has_sport && !filter->has_dport) {
		return true;
	}
	return has_ports(t->proto) &&
	       (!filter->has_port || t->sport == filter->port || t->dport == filter->port) &&
	       (!filter->has_sport || t->sport == filter->sport) &&
	       (!filter->has_dport || t->dport == filter->dport);
}

static bool icmp_matches(const struct flow_filter *filter, const struct tuple *t)
{
	if (!filter->has_type && !filter->has_id) {
		return true;
	}
	return (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6) &&
	       (!filter->has_type || t->dport >> 8 == filter->type) &&
	       (!filter->has_id || t->sport == filter->id);
}

/* What a remembered connection does not have never matches it. */
static bool live_members_match(const struct flow_filter *filter, const struct flow_view *v)
{
	size_t size = strlen(filter->ifname);

	if (size == 0 && filter->expires_under_ns == 0 && filter->idle_over_ns == 0) {
		return true;
	}
	if (v->kind != VIEW_LIVE ||
	    (filter->expires_under_ns != 0 && v->time_ns >= filter->expires_under_ns) ||
	    (filter->idle_over_ns != 0 &&
	     (v->account.start.ns == 0 || v->idle_ns <= filter->idle_over_ns))) {
		return false;
	}
	if (size > 0 && filter->ifname[size - 1] == '*') {
		return strncmp(filter->ifname, v->ifname, size - 1) == 0;
	}
	return size == 0 || strcmp(filter->ifname, v->ifname) == 0;
}

static bool prefix_matches(const struct flow_prefix *p, const struct tuple *t,
                           const union ip_addr *addr)
{
	unsigned whole = p->bits / 8;
	unsigned rest = p->bits % 8;
	uint8_t differs;

	if (p->family == 0) {
		return true;
	}
	if (p->family != t->family || memcmp(addr->bytes, p->addr.bytes, whole) != 0) {
		return false;
	}
	if (rest == 0) {
		return true;
	}
	differs = addr->bytes[whole] ^ p->addr.bytes[whole];
	return (differs >> (8 - rest)) == 0;
}
