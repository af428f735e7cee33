/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches that count packets or connections: limit, connlimit and hashlimit.
 *
 * They are written where their module was named, when all their options are known.
 */
#include "iptables/list.h"
#include "iptables/names.h"
#include "iptables/rule.h"
#include "iptables/sets.h"

#include "text/addr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* iptables takes no larger rate or burst. */
#define LIMIT_MAX 10000u

/* Defaults of the modules: 3/hour, burst 5. */
#define LIMIT_DEFAULT_RATE  3
#define LIMIT_DEFAULT_UNIT  "hour"
#define LIMIT_DEFAULT_BURST 5

#define MS_PER_S 1000u

/* 23:59:59 */
#define DAY_LAST_S 86399u

/* What hashlimit counts separately. */
enum {
	HASH_SOURCE = 1,
	HASH_SOURCE_PORT = 2,
	HASH_DESTINATION = 4,
	HASH_DESTINATION_PORT = 8,
};

static const struct {
	const char *name;
	uint32_t seconds;
} units[] = {
	{ "second", 1 },
	{ "minute", 60 },
	{ "hour", 3600 },
	{ "day", 86400 },
};

#define UNITS_LEN (sizeof(units) / sizeof(units[0]))

struct convert_meter *convert_meter_last(struct rule_parser *p, int kind)
{
	for (size_t i = p->meters_len; i > 0; i--) {
		if ((int)p->meter[i - 1].kind == kind) {
			return &p->meter[i - 1];
		}
	}
	convert_refuse(p, "\"%.40s\" before its -m", p->word[p->at]);
	return NULL;
}

bool convert_meter_begin(struct rule_parser *p, const char *module)
{
	static const char *const names[] = {
		[METER_LIMIT] = "limit",         [METER_CONNECTIONS] = "connlimit",
		[METER_HASHLIMIT] = "hashlimit", [METER_RECENT] = "recent",
		[METER_TIME] = "time",           [METER_CONNBYTES] = "connbytes",
	};
	size_t kind = 0;

	while (kind < sizeof(names) / sizeof(names[0]) && strcmp(names[kind], module) != 0) {
		kind++;
	}
	if (kind == sizeof(names) / sizeof(names[0])) {
		return false;
	}
	if (p->meters_len == CONVERT_METERS_MAX) {
		convert_refuse(p, "more than %u matches that count", CONVERT_METERS_MAX);
		return true;
	}
	p->meter[p->meters_len++] = (struct convert_meter){
		.kind = kind,
		.at = ftell(p->matches),
		.rate = LIMIT_DEFAULT_RATE,
		.unit = LIMIT_DEFAULT_UNIT,
		.burst = LIMIT_DEFAULT_BURST,
		.count_max = UINT32_MAX,
		.day_stop = DAY_LAST_S,
		.date_stop = INT32_MAX,
		.source_mask = UINT32_MAX,
		.destination_mask = UINT32_MAX,
	};
	return true;
}

/* "10", "10/s", "10/minute" */
static bool read_rate(struct rule_parser *p, const char *text, struct convert_meter *m)
{
	const char *unit = text + strcspn(text, "/");
	const size_t unit_size = *unit != '\0' ? strlen(unit + 1) : 0;

	if (!convert_number_n(text, (size_t)(unit - text), LIMIT_MAX, &m->rate) || m->rate == 0) {
		if (strstr(text, "b/") != NULL) {
			convert_refuse(
				p, "%.40s: rates of bytes are not converted; " CONVERT_WAY_OUT_MARK,
				text);
		} else {
			convert_refuse(p, "\"%.40s\" is not a limit such as 10/minute", text);
		}
		return false;
	}
	strcpy(m->unit, units[0].name);
	if (*unit == '\0') {
		return true;
	}
	for (size_t i = 0; i < UNITS_LEN; i++) {
		if (unit_size > 0 && strncasecmp(units[i].name, unit + 1, unit_size) == 0) {
			strcpy(m->unit, units[i].name);
			return true;
		}
	}
	convert_refuse(p, "\"%.40s\" is not second, minute, hour or day", unit + 1);
	return false;
}

static void take_limit(struct rule_parser *p)
{
	struct convert_meter *m = convert_meter_last(p, METER_LIMIT);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL) {
		read_rate(p, text, m);
	}
}

static void take_burst_of(struct rule_parser *p, int kind)
{
	struct convert_meter *m = convert_meter_last(p, kind);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL && (!convert_number(text, LIMIT_MAX, &m->burst) || m->burst == 0)) {
		convert_refuse(p, "\"%.40s\" is not a burst, a number from 1 to %u", text,
		               LIMIT_MAX);
	}
}

static void take_count(struct rule_parser *p, bool is_over)
{
	struct convert_meter *m = convert_meter_last(p, METER_CONNECTIONS);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text == NULL) {
		return;
	}
	if (m->count_max != UINT32_MAX || !convert_number(text, UINT32_MAX - 1, &m->count_max)) {
		convert_refuse(p, "\"%.40s\" is not a number of connections", text);
		return;
	}
	m->is_over = is_over != p->is_negated;
}

/* finwall counts connections for single addresses or for all, not for networks. */
static void take_count_mask(struct rule_parser *p)
{
	struct convert_meter *m = convert_meter_last(p, METER_CONNECTIONS);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	const uint32_t single = addr_bits(convert_ip_version(p->family));

	if (text != NULL && (!convert_number(text, single, &m->source_mask) ||
	                     (m->source_mask != 0 && m->source_mask != single))) {
		convert_refuse(p,
		               "connections are counted for an address or for all, not for a "
		               "network: use --connlimit-mask %u or 0",
		               single);
	}
}

static void take_side(struct rule_parser *p, bool is_of_destination)
{
	struct convert_meter *m = convert_meter_last(p, METER_CONNECTIONS);

	if (m != NULL) {
		m->is_of_destination = is_of_destination;
	}
}

static void take_hash_rate(struct rule_parser *p, bool is_over)
{
	struct convert_meter *m = convert_meter_last(p, METER_HASHLIMIT);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL && read_rate(p, text, m)) {
		m->is_over = is_over != p->is_negated;
	}
}

static void take_hash_mode(struct rule_parser *p)
{
	static const struct convert_list_name keys[] = {
		{ "srcip", HASH_SOURCE },
		{ "srcport", HASH_SOURCE_PORT },
		{ "dstip", HASH_DESTINATION },
		{ "dstport", HASH_DESTINATION_PORT },
	};
	struct convert_meter *m = convert_meter_last(p, METER_HASHLIMIT);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	char copy[CONVERT_LIST_SIZE];
	const char *unknown =
		text != NULL ? convert_read_list(text, keys, 4, &m->keys, copy) : NULL;

	if (unknown != NULL) {
		convert_refuse(p, "\"%.40s\" is not srcip, srcport, dstip or dstport", unknown);
	}
}

static void take_hash_number(struct rule_parser *p, uint32_t max, size_t offset)
{
	struct convert_meter *m = convert_meter_last(p, METER_HASHLIMIT);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	uint32_t number;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, max, &number)) {
		convert_refuse(p, "\"%.40s\" is not a number up to %u", text, max);
		return;
	}
	memcpy((char *)m + offset, &number, sizeof(number));
}

static void take_hash_name(struct rule_parser *p)
{
	struct convert_meter *m = convert_meter_last(p, METER_HASHLIMIT);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL) {
		free(m->name);
		m->name = strdup(text);
	}
}

static uint32_t unit_seconds(const struct convert_meter *m)
{
	for (size_t i = 0; i < UNITS_LEN; i++) {
		if (strcmp(units[i].name, m->unit) == 0) {
			return units[i].seconds;
		}
	}
	return 1;
}

/* Adds a part of the key: " . " between parts. */
static void put_key(FILE *field, FILE *type, const char *header, const char *name,
                    const char *type_name)
{
	fprintf(field, "%s%s %s", ftell(field) > 0 ? " . " : "", header, name);
	fprintf(type, "%s%s", ftell(type) > 0 ? " . " : "", type_name);
}

/* An address of the key, masked if not all of it counts. */
static void put_address_key(struct rule_parser *p, FILE *field, FILE *type, const char *name,
                            uint32_t mask)
{
	const unsigned version = convert_ip_version(p->family);
	char masked[ADDR_TEXT_SIZE + 16];
	char mask_text[ADDR_TEXT_SIZE];

	if (mask == UINT32_MAX || mask == addr_bits(version)) {
		put_key(field, type, version == 4 ? "ip" : "ip6", name,
		        version == 4 ? "ipv4_addr" : "ipv6_addr");
		return;
	}
	if (!convert_needs(p, CONSTRUCT_SET_MASK)) {
		return;
	}
	snprintf(masked, sizeof(masked), "%s & %s", name,
	         convert_mask_text(version, mask, mask_text));
	put_key(field, type, version == 4 ? "ip" : "ip6", masked,
	        version == 4 ? "ipv4_addr" : "ipv6_addr");
}

/* The key of a hashlimit and the type of its set. */
static void put_hash_keys(struct rule_parser *p, const struct convert_meter *m, FILE *field,
                          FILE *type)
{
	const char *ports = p->proto == PROTO_TCP ? "tcp" : p->proto == PROTO_UDP ? "udp" : "th";

	if ((m->keys & (HASH_SOURCE_PORT | HASH_DESTINATION_PORT)) != 0 &&
	    (!convert_proto_has_ports(p->proto) || p->proto_is_negated)) {
		convert_refuse(p, "ports in --hashlimit-mode need -p tcp or -p udp");
		return;
	}
	if ((m->keys & HASH_SOURCE) != 0) {
		put_address_key(p, field, type, "saddr", m->source_mask);
	}
	if ((m->keys & HASH_SOURCE_PORT) != 0) {
		put_key(field, type, ports, "sport", "inet_service");
	}
	if ((m->keys & HASH_DESTINATION) != 0) {
		put_address_key(p, field, type, "daddr", m->destination_mask);
	}
	if ((m->keys & HASH_DESTINATION_PORT) != 0) {
		put_key(field, type, ports, "dport", "inet_service");
	}
}

/* Writes the limit of the module, with the set whose elements carry it. */
void convert_hashlimit_put(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	struct convert_set set = { .seconds = m->expire_s, .size = m->size, .is_dynamic = true };
	const char *over = m->is_over ? "over " : "";
	char *field = NULL;
	size_t field_size;
	size_t type_size;
	FILE *field_file = open_memstream(&field, &field_size);
	FILE *type_file = open_memstream(&set.type, &type_size);
	const struct convert_set *added;

	if (field_file == NULL || type_file == NULL) {
		goto out;
	}
	put_hash_keys(p, m, field_file, type_file);
	fflush(field_file);
	fflush(type_file);
	if (m->keys == 0) {
		fprintf(f, "limit rate %s%u/%s burst %u packets ", over, m->rate, m->unit,
		        m->burst);
		goto out;
	}
	if (p->why[0] != '\0' || !convert_needs(p, CONSTRUCT_SET_LIMIT) ||
	    (strstr(set.type, " . ") != NULL && !convert_needs(p, CONSTRUCT_SET_CONCAT))) {
		goto out;
	}
	if (set.seconds == 0) {
		/* as iptables: one unit of the rate */
		set.seconds = unit_seconds(m);
	}
	set.name = convert_text("hashlimit_%s", m->name != NULL ? m->name : "");
	added = set.name != NULL ? convert_set_add(p->sets, &set) : NULL;
	if (added == NULL) {
		convert_refuse(p,
		               "--hashlimit-name %.40s is used with other keys before; give "
		               "each its own name",
		               m->name != NULL ? m->name : "");
		goto out;
	}
	fprintf(f, "update @%s { %s limit rate %s%u/%s burst %u packets } ", added->new_name, field,
	        over, m->rate, m->unit, m->burst);
out:
	if (field_file != NULL) {
		fclose(field_file);
	}
	if (type_file != NULL) {
		fclose(type_file);
	}
	free(field);
	free(set.type);
	free(set.name);
}

void convert_count_put(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	const char *over = m->is_over ? "over " : "";

	if (m->count_max == UINT32_MAX) {
		convert_refuse(p, "connlimit without --connlimit-above or --connlimit-upto");
	} else if (m->source_mask == 0) {
		fprintf(f, "ct count %s%u ", over, m->count_max);
	} else {
		fprintf(f, "add @connections_%c { %s %s ct count %s%u } ", CONVERT_SET_NR,
		        p->family == CONVERT_IP ? "ip" : "ip6",
		        m->is_of_destination ? "daddr" : "saddr", over, m->count_max);
	}
}

/* Handlers of the options table. */
static void opt_limit_burst(struct rule_parser *p)
{
	take_burst_of(p, METER_LIMIT);
}
static void opt_count_above(struct rule_parser *p)
{
	take_count(p, true);
}
static void opt_count_upto(struct rule_parser *p)
{
	take_count(p, false);
}
static void opt_count_source(struct rule_parser *p)
{
	take_side(p, false);
}
static void opt_count_destination(struct rule_parser *p)
{
	take_side(p, true);
}
static void opt_hash_upto(struct rule_parser *p)
{
	take_hash_rate(p, false);
}
static void opt_hash_above(struct rule_parser *p)
{
	take_hash_rate(p, true);
}
static void opt_hash_burst(struct rule_parser *p)
{
	take_burst_of(p, METER_HASHLIMIT);
}
static void opt_hash_source_mask(struct rule_parser *p)
{
	take_hash_number(p, addr_bits(convert_ip_version(p->family)),
	                 offsetof(struct convert_meter, source_mask));
}
static void opt_hash_destination_mask(struct rule_parser *p)
{
	take_hash_number(p, addr_bits(convert_ip_version(p->family)),
	                 offsetof(struct convert_meter, destination_mask));
}
static void opt_hash_max(struct rule_parser *p)
{
	take_hash_number(p, UINT32_MAX, offsetof(struct convert_meter, size));
}

/* Milliseconds; a set has seconds. */
static void opt_hash_expire(struct rule_parser *p)
{
	struct convert_meter *m = convert_meter_last(p, METER_HASHLIMIT);

	take_hash_number(p, UINT32_MAX, offsetof(struct convert_meter, expire_s));
	if (m != NULL) {
		m->expire_s = m->expire_s / MS_PER_S + (m->expire_s % MS_PER_S != 0 ? 1 : 0);
	}
}

/* Sizes of the kernel's table, without effect on what matches. */
static void opt_hash_ignored(struct rule_parser *p)
{
	(void)!convert_argument(p);
}

static const struct convert_option options[] = {
	{ "--limit", take_limit, false },
	{ "--limit-burst", opt_limit_burst, false },
	{ "--connlimit-above", opt_count_above, true },
	{ "--connlimit-upto", opt_count_upto, true },
	{ "--connlimit-mask", take_count_mask, false },
	{ "--connlimit-saddr", opt_count_source, false },
	{ "--connlimit-daddr", opt_count_destination, false },
	{ "--hashlimit", opt_hash_upto, false },
	{ "--hashlimit-upto", opt_hash_upto, true },
	{ "--hashlimit-above", opt_hash_above, true },
	{ "--hashlimit-burst", opt_hash_burst, false },
	{ "--hashlimit-mode", take_hash_mode, false },
	{ "--hashlimit-srcmask", opt_hash_source_mask, false },
	{ "--hashlimit-dstmask", opt_hash_destination_mask, false },
	{ "--hashlimit-name", take_hash_name, false },
	{ "--hashlimit-htable-size", opt_hash_ignored, false },
	{ "--hashlimit-htable-max", opt_hash_max, false },
	{ "--hashlimit-htable-expire", opt_hash_expire, false },
	{ "--hashlimit-htable-gcinterval", opt_hash_ignored, false },
};

bool convert_meter_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}
