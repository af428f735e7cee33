/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of flow_text: connections as text lines, as conntrack(8) lines and as JSON, compared
 * exactly; filters and keys.
 */
#include <finwall/flow_text.h>
#include <finwall/frame.h>

#include "suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct mono now = { INT64_C(5000000000) };

/* A flow opened by src. dport: for an ICMP query, type << 8 | code. */
static struct flow make_flow(uint8_t proto, const char *src, uint16_t sport, const char *dst,
                             uint16_t dport, uint8_t status)
{
	struct tuple t = { .sport = sport, .dport = dport, .proto = proto };
	struct flow f = { 0 };
	enum key_side side;

	t.family = strchr(src, ':') != NULL ? 6 : 4;
	ck_assert_int_eq(inet_pton(t.family == 6 ? AF_INET6 : AF_INET, src, t.src.bytes), 1);
	ck_assert_int_eq(inet_pton(t.family == 6 ? AF_INET6 : AF_INET, dst, t.dst.bytes), 1);
	ck_assert(flowkey_from_tuple(&t, &f.key, &side));
	f.status = status | (side == SIDE_HI ? FLOW_ORIG_HI : 0);
	f.deadline = mono_add(now, sec_to_ns(90) + 5);
	f.hook = HOOK_INPUT;
	return f;
}

static struct flow make_tcp(enum tcp_state state, uint8_t status)
{
	/* The opener has the larger address: it is the key's high side. */
	struct flow f = make_flow(IPPROTO_TCP, "192.0.2.9", 40000, "192.0.2.1", 443, status);

	f.conn.tcp.state = state;
	f.conn.tcp.seen[DIR_ORIG] = (struct tcp_seen){ 100, 200, 64000, 4000000000u };
	f.conn.tcp.seen[DIR_REPLY] = (struct tcp_seen){ 4000000000u, 4000000001u, 512, 100 };
	f.conn.tcp.scale[DIR_ORIG] = 7;
	return f;
}

static void expect_live(const struct flow *f, const char *text, const char *conntrack)
{
	char line[FLOW_LINE_SIZE];
	struct flow_view v;

	flow_view_live(f, now, "wan0", &v);
	flow_text(&v, line, sizeof(line));
	ck_assert_str_eq(line, text);
	flow_conntrack(&v, 0, 0, line, sizeof(line));
	ck_assert_str_eq(line, conntrack);
}

START_TEST(tcp_lines_are_exact)
{
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY | FLOW_ASSURED);

	expect_live(
		&f,
		"tcp     192.0.2.9:40000        192.0.2.1:443          ESTABLISHED          90s "
		" assured in wan0",
		"tcp      6 90 ESTABLISHED src=192.0.2.9 dst=192.0.2.1 sport=40000 dport=443 "
		"src=192.0.2.1 dst=192.0.2.9 sport=443 dport=40000 [ASSURED] mark=0 use=1");
	f = make_tcp(TCP_SYN_SENT, 0);
	f.hook = HOOK_OUTPUT;
	expect_live(
		&f,
		"tcp     192.0.2.9:40000        192.0.2.1:443          SYN_SENT             90s "
		" unreplied out wan0",
		"tcp      6 90 SYN_SENT src=192.0.2.9 dst=192.0.2.1 sport=40000 dport=443 "
		"[UNREPLIED] src=192.0.2.1 dst=192.0.2.9 sport=443 dport=40000 mark=0 use=1");
}
END_TEST

START_TEST(udp_lines_are_exact)
{
	struct flow f =
		make_flow(IPPROTO_UDP, "2001:db8::1", 5000, "2001:db8::2", 53, FLOW_SEEN_REPLY);

	expect_live(
		&f,
		"udp     [2001:db8::1]:5000     [2001:db8::2]:53       -                    90s "
		" replied in wan0",
		"udp      17 90 src=2001:db8::1 dst=2001:db8::2 sport=5000 dport=53 "
		"src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5000 mark=0 use=1");
}
END_TEST

START_TEST(icmp_lines_are_exact)
{
	struct flow f = make_flow(IPPROTO_ICMP, "192.0.2.1", 77, "192.0.2.2", 8 << 8, 0);

	expect_live(
		&f,
		"icmp    192.0.2.1              192.0.2.2              type 8 id 77         90s "
		" unreplied in wan0",
		"icmp     1 90 src=192.0.2.1 dst=192.0.2.2 type=8 code=0 id=77 [UNREPLIED] "
		"src=192.0.2.2 dst=192.0.2.1 type=0 code=0 id=77 mark=0 use=1");
}
END_TEST

START_TEST(lines_of_other_protocols_are_exact)
{
	struct flow f = make_flow(99, "192.0.2.1", 0, "192.0.2.2", 0, 0);

	expect_live(
		&f,
		"ip-99   192.0.2.1              192.0.2.2              -                    90s "
		" unreplied in wan0",
		"unknown  99 90 src=192.0.2.1 dst=192.0.2.2 [UNREPLIED] src=192.0.2.2 "
		"dst=192.0.2.1 mark=0 use=1");
	/* a name that conntrack(8) does not have */
	f = make_flow(112, "192.0.2.1", 0, "224.0.0.18", 0, 0);
	expect_live(
		&f,
		"vrrp    192.0.2.1              224.0.0.18             -                    90s "
		" unreplied in wan0",
		"unknown  112 90 src=192.0.2.1 dst=224.0.0.18 [UNREPLIED] src=224.0.0.18 "
		"dst=192.0.2.1 mark=0 use=1");
}
END_TEST

static struct tomb_info make_tomb(void)
{
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY | FLOW_ASSURED);
	struct tomb_info t = { .key = f.key,
		               .conn = f.conn.tcp,
		               .status = f.status,
		               .cause = TOMB_IDLE,
		               .ended = mono_add(now, -sec_to_ns(3)) };

	return t;
}

START_TEST(lines_of_remembered_connections_are_exact)
{
	struct tomb_info t = make_tomb();
	char line[FLOW_LINE_SIZE];
	struct flow_view v;

	flow_view_remembered(&t, now, &v);
	flow_text(&v, line, sizeof(line));
	ck_assert_str_eq(line, "tcp     192.0.2.9:40000        192.0.2.1:443          ESTABLISHED"
	                       "           3s  idle");
	flow_conntrack(&v, 0, 0, line, sizeof(line));
	ck_assert_str_eq(
		line, "tcp      6 0 ESTABLISHED src=192.0.2.9 dst=192.0.2.1 sport=40000 dport=443 "
		      "src=192.0.2.1 dst=192.0.2.9 sport=443 dport=40000 [ASSURED] mark=0 use=1");
}
END_TEST

START_TEST(a_line_is_truncated_to_the_buffer)
{
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY | FLOW_ASSURED);
	char whole[FLOW_LINE_SIZE];
	struct flow_view v;

	flow_view_live(&f, now, NULL, &v);
	flow_conntrack(&v, 0, 0, whole, sizeof(whole));
	for (size_t size = 1; size < strlen(whole); size++) {
		char *line = malloc(size);

		flow_conntrack(&v, 0, 0, line, size);
		ck_assert_uint_eq(strlen(line), size - 1);
		ck_assert(strncmp(line, whole, size - 1) == 0);
		free(line);
	}
}
END_TEST

/* The longest line: two full IPv6 addresses twice, and an interface name of maximum length. */
START_TEST(the_longest_line_fits)
{
	struct flow f = make_flow(IPPROTO_TCP, "2001:db8:1111:2222:3333:4444:5555:6666", 65535,
	                          "2001:db8:1111:2222:3333:4444:5555:7777", 65534,
	                          FLOW_ASSURED | FLOW_REVIVED);
	char line[FLOW_LINE_SIZE];
	struct flow_view v;

	f.deadline.ns = INT64_MAX;
	flow_view_live(&f, (struct mono){ 0 }, "abcdefghijklmno", &v);
	flow_text(&v, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, " revived in abcdefghijklmno"));
	flow_conntrack(&v, 0, 0, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, " mark=0 use=1"));
}
END_TEST

static void expect_json(const struct flow_view *v, const char *expected)
{
	json_t *o = flow_json(v);
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	ck_assert_str_eq(text, expected);
	free(text);
	json_decref(o);
}

START_TEST(json_of_a_live_connection_is_exact)
{
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY | FLOW_ASSURED);
	struct flow_view v;

	flow_view_live(&f, now, "wan0", &v);
	expect_json(&v,
	            "{\"assured\":true,\"expires_ms\":90000,\"family\":\"ipv4\",\"hook\":\"input\","
	            "\"interface\":\"wan0\",\"leased\":false,\"original\":{\"destination\":\"192.0."
	            "2.1\","
	            "\"destination_port\":443,\"source\":\"192.0.2.9\",\"source_port\":40000},"
	            "\"protocol\":\"tcp\",\"protocol_number\":6,\"replied\":true,"
	            "\"reply\":{\"destination\":\"192.0.2.9\",\"destination_port\":40000,"
	            "\"source\":\"192.0.2.1\",\"source_port\":443},\"revived\":false,"
	            "\"state\":\"ESTABLISHED\",\"tcp\":{\"original\":{\"end\":100,\"flags\":0,"
	            "\"max_ack\":4000000000,\"max_end\":200,\"max_window\":64000,\"scale\":7},"
	            "\"reply\":{\"end\":4000000000,\"flags\":0,\"max_ack\":100,"
	            "\"max_end\":4000000001,\"max_window\":512,\"scale\":0}}}");
}
END_TEST

START_TEST(json_of_a_remembered_connection_is_exact)
{
	struct tomb_info t = make_tomb();
	struct flow_view v;
	json_t *o;

	flow_view_remembered(&t, now, &v);
	o = flow_json(&v);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "ended_ms_ago")), 3000);
	ck_assert_str_eq(json_string_value(json_object_get(o, "cause")), "idle");
	ck_assert_ptr_null(json_object_get(o, "expires_ms"));
	json_decref(o);
}
END_TEST

START_TEST(json_of_icmp_is_exact)
{
	struct flow f = make_flow(IPPROTO_ICMPV6, "2001:db8::1", 77, "2001:db8::2", 128 << 8, 0);
	struct flow_view v;

	flow_view_live(&f, now, "", &v);
	expect_json(
		&v,
		"{\"assured\":false,\"expires_ms\":90000,\"family\":\"ipv6\","
		"\"hook\":\"input\",\"interface\":\"\",\"leased\":false,\"original\":{\"code\":0,"
		"\"destination\":\"2001:db8::2\",\"id\":77,\"source\":\"2001:db8::1\","
		"\"type\":128},\"protocol\":\"icmpv6\",\"protocol_number\":58,"
		"\"replied\":false,\"reply\":{\"code\":0,\"destination\":\"2001:db8::1\","
		"\"id\":77,\"source\":\"2001:db8::2\",\"type\":129},\"revived\":false}");
}
END_TEST

START_TEST(json_of_the_longest_connection_fits)
{
	static const char *const names[] = {
		"\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"",
		"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xff\xff\xff\xff\xff\xff\xff",
		"\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07"
	};
	struct flow_view v;
	json_t *o;

	memset(&v, 0xff, sizeof(v));
	v.kind = VIEW_LIVE;
	v.orig.family = v.reply.family = 6;
	v.orig.proto = v.reply.proto = IPPROTO_TCP;
	v.tcp.state = TCP_ESTABLISHED;
	v.hook = HOOK_FORWARD;
	v.time_ns = v.age_ns = v.idle_ns = INT64_MIN;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		v.ifname = names[i];
		o = flow_json(&v);
		ck_assert_ptr_nonnull(o);
		ck_assert_ptr_nonnull(json_object_get(json_object_get(o, "tcp"), "reply"));
		ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "original"),
		                                                    "source_port")),
		                 65535);
		json_decref(o);
	}
	v.ifname = names[0];
	o = flow_json(&v);
	ck_assert_str_eq(json_string_value(json_object_get(o, "interface")), names[0]);
	json_decref(o);
}
END_TEST

/* 1: matches; 0: does not match; -1: parse error. */
static int filter(const char *json, const struct flow *f)
{
	json_t *o = json_loads(json, 0, NULL);
	struct flow_filter filter;
	struct flow_view v;
	const char *wrong;
	bool is_understood;

	ck_assert_ptr_nonnull(o);
	is_understood = flow_filter_parse(o, &filter, &wrong);
	json_decref(o);
	if (!is_understood) {
		ck_assert_ptr_nonnull(wrong);
		return -1;
	}
	flow_view_live(f, now, "wan0", &v);
	return flow_filter_matches(&filter, &v);
}

START_TEST(filters_match_or_are_refused)
{
	const struct {
		const char *json;
		int expected;
	} rows[] = {
		{ "{}", 1 },
		{ "{\"protocol\":\"tcp\"}", 1 },
		{ "{\"protocol\":\"6\"}", 1 },
		{ "{\"protocol\":6}", 1 },
		{ "{\"protocol\":\"udp\"}", 0 },
		{ "{\"protocol\":\"tpc\"}", -1 },
		{ "{\"protocol\":\"6x\"}", -1 },
		{ "{\"protocol\":256}", -1 },
		{ "{\"protocol\":-1}", -1 },
		{ "{\"protocol\":true}", -1 },
		{ "{\"port\":443}", 1 },
		{ "{\"port\":40000}", 1 },
		{ "{\"port\":80}", 0 },
		{ "{\"port\":\"443\"}", -1 },
		{ "{\"port\":65536}", -1 },
		{ "{\"state\":\"ESTABLISHED\"}", 1 },
		{ "{\"state\":\"established\"}", 1 },
		{ "{\"state\":\"CLOSE\"}", 0 },
		{ "{\"state\":\"OPEN\"}", -1 },
		{ "{\"state\":3}", -1 },
		{ "{\"address\":\"192.0.2.1\"}", 1 },
		{ "{\"address\":\"192.0.2.9\"}", 1 },
		{ "{\"address\":\"192.0.2.2\"}", 0 },
		{ "{\"address\":\"192.0.2.0/28\"}", 1 },
		{ "{\"address\":\"192.0.2.8/31\"}", 1 },
		{ "{\"address\":\"192.0.2.10/31\"}", 0 },
		{ "{\"address\":\"0.0.0.0/0\"}", 1 },
		{ "{\"address\":\"::/0\"}", 0 },
		{ "{\"address\":\"192.0.2.0/33\"}", -1 },
		{ "{\"address\":\"192.0.2.0/\"}", -1 },
		{ "{\"address\":\"192.0.2.0/-1\"}", -1 },
		{ "{\"address\":\"192.0.2\"}", -1 },
		{ "{\"address\":\"\"}", -1 },
		{ "{\"address\":"
		  "\"1111111111111111111111111111111111111111111111111111111111111111\"}",
		  -1 },
		{ "{\"address\":7}", -1 },
		{ "[]", -1 },
		{ "{\"source\":\"192.0.2.9\"}", 1 },
		{ "{\"source\":\"192.0.2.1\"}", 0 },
		{ "{\"source\":\"192.0.2.8/31\"}", 1 },
		{ "{\"source\":\"192.0.2.8/33\"}", -1 },
		{ "{\"source\":\"::/0\"}", 0 },
		{ "{\"destination\":\"192.0.2.1\"}", 1 },
		{ "{\"destination\":\"192.0.2.9\"}", 0 },
		{ "{\"destination\":9}", -1 },
		{ "{\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\"}", 1 },
		{ "{\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.2\"}", 0 },
		{ "{\"source\":\"192.0.2.9\",\"destination\":\"::1\"}", -1 },
		{ "{\"source\":\"192.0.2.9\",\"address\":\"192.0.2.2\"}", 0 },
		{ "{\"source_port\":40000}", 1 },
		{ "{\"source_port\":443}", 0 },
		{ "{\"source_port\":-1}", -1 },
		{ "{\"destination_port\":443}", 1 },
		{ "{\"destination_port\":40000}", 0 },
		{ "{\"destination_port\":\"https\"}", -1 },
		{ "{\"destination_port\":443,\"port\":40000}", 1 },
		{ "{\"destination_port\":443,\"port\":80}", 0 },
		{ "{\"state\":\"time_wait,ESTABLISHED\"}", 1 },
		{ "{\"state\":\"TIME_WAIT,CLOSE\"}", 0 },
		{ "{\"state\":\"TIME_WAIT,\"}", -1 },
		{ "{\"state\":\"SYN_SEN\"}", -1 },
		{ "{\"state\":\"\"}", -1 },
		{ "{\"interface\":\"wan0\"}", 1 },
		{ "{\"interface\":\"wan\"}", 0 },
		{ "{\"interface\":\"wan*\"}", 1 },
		{ "{\"interface\":\"lan*\"}", 0 },
		{ "{\"interface\":\"\"}", -1 },
		{ "{\"interface\":\"0123456789abcdef\"}", -1 },
		{ "{\"interface\":1}", -1 },
		/* the flow has 90 s and 5 ns left */
		{ "{\"expires_under_s\":91}", 1 },
		{ "{\"expires_under_s\":90}", 0 },
		{ "{\"expires_under_s\":0}", -1 },
		{ "{\"expires_under_s\":9223372036854775807}", -1 },
		{ "{\"expires_under_s\":\"90s\"}", -1 },
		{ "{\"sauce\":\"192.0.2.9\"}", -1 },
	};
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(filter(rows[i].json, &f) == rows[i].expected, "%s", rows[i].json);
	}
	f = make_flow(IPPROTO_ICMP, "192.0.2.1", 443, "192.0.2.2", 8 << 8, 0);
	ck_assert_int_eq(filter("{\"port\":443}", &f), 0);
	ck_assert_int_eq(filter("{\"destination_port\":2048}", &f), 0);
	ck_assert_int_eq(filter("{\"type\":8,\"id\":443}", &f), 1);
	ck_assert_int_eq(filter("{\"type\":0}", &f), 0);
	ck_assert_int_eq(filter("{\"id\":8}", &f), 0);
	ck_assert_int_eq(filter("{\"id\":65536}", &f), -1);
	ck_assert_int_eq(filter("{\"state\":\"NONE\"}", &f), 0);
	f = make_flow(112, "192.0.2.1", 0, "224.0.0.18", 0, 0);
	ck_assert_int_eq(filter("{\"protocol\":\"vrrp\"}", &f), 1);
	ck_assert_int_eq(filter("{\"protocol\":\"112\"}", &f), 1);
	ck_assert_int_eq(filter("{\"protocol\":\"ospf\"}", &f), 0);
}
END_TEST

START_TEST(filters_of_live_connections_never_match_remembered_ones)
{
	const char *const rows[] = { "{\"interface\":\"*\"}", "{\"expires_under_s\":1000}",
		                     "{\"idle_over_s\":1}" };
	struct tomb_info t = make_tomb();
	struct flow_view v;

	flow_view_remembered(&t, now, &v);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = json_loads(rows[i], 0, NULL);
		struct flow_filter filter;
		const char *wrong;

		ck_assert(flow_filter_parse(o, &filter, &wrong));
		json_decref(o);
		ck_assert_msg(!flow_filter_matches(&filter, &v), "%s", rows[i]);
	}
}
END_TEST

START_TEST(filters_by_idle_time_need_counts)
{
	struct flow f = make_tcp(TCP_ESTABLISHED, FLOW_SEEN_REPLY | FLOW_ASSURED);
	struct flow_account account = { .start = { 1 }, .last = { now.ns - 60 * NSEC_PER_SEC } };
	struct flow_filter over = { .idle_over_ns = 59 * NSEC_PER_SEC };
	struct flow_view v;

	flow_view_live(&f, now, "wan0", &v);
	ck_assert(!flow_filter_matches(&over, &v));
	flow_view_account(&v, &account, now);
	ck_assert(flow_filter_matches(&over, &v));
	over.idle_over_ns = 60 * NSEC_PER_SEC;
	ck_assert(!flow_filter_matches(&over, &v));
	ck_assert_int_eq(filter("{\"idle_over_s\":0}", &f), -1);
}
END_TEST

START_TEST(filters_by_rule_compare_its_place)
{
	const struct {
		const char *filter;
		bool wants; /* /etc/finwall/finwall.conf:12 */
	} rows[] = {
		{ "12", true },
		{ "13", false },
		{ "finwall.conf:12", true },
		{ "finwall/finwall.conf:12", true },
		{ "/finwall.conf:12", true },
		{ "/etc/finwall/finwall.conf:12", true },
		{ "wall.conf:12", false },
		{ "/x/etc/finwall/finwall.conf:12", false },
		{ "finwall.conf:1", false },
	};
	struct flow f = make_tcp(TCP_ESTABLISHED, 0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = json_pack("{s:s}", "rule", rows[i].filter);
		struct flow_filter filter;
		const char *wrong;

		ck_assert(flow_filter_parse(o, &filter, &wrong));
		json_decref(o);
		ck_assert_msg(flow_filter_wants_rule(&filter, "/etc/finwall/finwall.conf", 12) ==
		                      rows[i].wants,
		              "%s", rows[i].filter);
		ck_assert(!flow_filter_wants_rule(&filter, NULL, 0));
	}
	ck_assert_int_eq(filter("{\"rule\":12}", &f), -1);
	ck_assert_int_eq(filter("{\"rule\":\"0\"}", &f), -1);
	ck_assert_int_eq(filter("{\"rule\":\":12\"}", &f), -1);
	ck_assert_int_eq(filter("{\"rule\":\"a:\"}", &f), -1);
	ck_assert_int_eq(filter("{\"rule\":\"\"}", &f), -1);
}
END_TEST

START_TEST(keys_are_parsed_or_refused)
{
	const struct {
		const char *json;
		const char *wrong; /* NULL: the key of make_tcp() */
	} rows[] = {
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.9\",\"source_port\":40000,"
		  "\"destination\":\"192.0.2.1\",\"destination_port\":443}",
		  NULL },
		{ "{}", "protocol" },
		{ "{\"protocol\":\"tcp\"}", "source" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.0/24\"}", "source" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.9\"}", "destination" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.9\",\"destination\":\"::1\"}",
		  "destination" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\"}",
		  "source_port" },
		{ "{\"protocol\":\"tcp\",\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\","
		  "\"source_port\":1}",
		  "destination_port" },
		{ "{\"protocol\":\"icmp\",\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\"}",
		  "id" },
		{ "{\"protocol\":\"icmp\",\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\","
		  "\"id\":7,\"type\":256}",
		  "type" },
	};
	struct flow f = make_tcp(TCP_ESTABLISHED, 0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = json_loads(rows[i].json, 0, NULL);
		struct flowkey key;
		const char *wrong;
		bool is_understood = flow_key_parse(o, &key, &wrong);

		json_decref(o);
		ck_assert_msg(is_understood == (rows[i].wrong == NULL), "%s", rows[i].json);
		if (is_understood) {
			ck_assert(flowkey_equal(&key, &f.key));
		} else {
			ck_assert_str_eq(wrong, rows[i].wrong);
		}
	}
}
END_TEST

SUITE_MAIN("flow_text", tcp_lines_are_exact, udp_lines_are_exact, icmp_lines_are_exact,
           lines_of_other_protocols_are_exact, lines_of_remembered_connections_are_exact,
           a_line_is_truncated_to_the_buffer, the_longest_line_fits,
           json_of_a_live_connection_is_exact, json_of_a_remembered_connection_is_exact,
           json_of_icmp_is_exact, filters_match_or_are_refused,
           filters_of_live_connections_never_match_remembered_ones,
           filters_by_idle_time_need_counts, filters_by_rule_compare_its_place,
           json_of_the_longest_connection_fits, keys_are_parsed_or_refused)
