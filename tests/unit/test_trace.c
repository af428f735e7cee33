/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces: what they show, and that they change nothing. tests/netns/trace.sh has a packet for each
 * reason; here are those that neither a kernel nor a capture file passes on.
 */
#include "suite.h"
#include "test_engine.h"

#include "core/tcp_track.h"
#include "wire/trace_text.h"
#include "wire/watch_filter.h"

static struct trace trace __attribute__((aligned(64)));
static unsigned traced;
static char text[8192];

static void note(void *ctx, const struct trace *t)
{
	(void)ctx;
	(void)t;
	traced++;
}

static void trace_on(void)
{
	w.worker->trace = &trace;
	w.worker->sink.traced = note;
	traced = 0;
}

static void add_line(void *ctx, const char *line)
{
	size_t size = strlen(text);

	(void)ctx;
	(void)snprintf(text + size, sizeof(text) - size, "%s\n", line);
}

static const char *lines(void)
{
	const struct trace_names names = { .iif = "eth0", .oif = "", .id = 7 };

	text[0] = '\0';
	trace_text(&trace, &names, add_line, NULL);
	return text;
}

static struct decision decide(const uint8_t *data, uint32_t size)
{
	const struct frame frame = {
		.data = data, .cap_size = size, .true_size = size, .iif = 1, .hook = HOOK_INPUT
	};
	struct decision out;

	engine_batch(w.engine, w.worker, w.now, &frame, 1, &out);
	return out;
}

START_TEST(packets_without_an_ip_header_have_a_trace)
{
	static const uint8_t header[20] = { 0x55 };
	static const uint8_t ip4[20] = { 0x45 };

	setup();
	trace_on();
	ck_assert_uint_eq(decide(ip4, 10).reason, REASON_IP_SHORT);
	ck_assert_uint_eq(traced, 1);
	ck_assert_ptr_nonnull(strstr(lines(), "hook input packet: iif \"eth0\" meta length 10\n"));
	ck_assert_ptr_nonnull(strstr(text, "ct state invalid: ip-short, "));
	ck_assert_ptr_nonnull(strstr(text, "hook input verdict drop\n"));
	ck_assert_uint_eq(decide(header, 20).reason, REASON_IP_VERSION);
	ck_assert_ptr_nonnull(strstr(lines(), "ct state invalid: ip-version, "));
}
END_TEST

START_TEST(a_handshake_shows_entry_and_windows)
{
	setup();
	trace_on();
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_ptr_nonnull(strstr(lines(), "ct entry: none\n"));
	ck_assert_ptr_nonnull(strstr(text, "ct entry: made, SYN_SENT [UNREPLIED], timeout 120s\n"));
	tcp(&s2c, S | A, 5000, 1001, 0);
	ck_assert_ptr_nonnull(strstr(lines(), "ct entry: was SYN_SENT [UNREPLIED], is SYN_RECV"));
	tcp(&c2s, A, 1001, 5001, 0);
	ck_assert_ptr_nonnull(strstr(lines(), "ct segment: original begin 1001 end 1001 ack 5001 "
	                                      "window 10000: fits the windows\n"));
	tcp(&c2s, A, 900000, 5001, 10);
	ck_invalid(REASON_TCP_SEQ_OVER);
	ck_assert_ptr_nonnull(strstr(lines(), ": begins beyond the receiver's window\n"));
	ck_assert_ptr_nonnull(strstr(text, "ct entry: stays ESTABLISHED [ASSURED]"));
	ck_assert_uint_eq(traced, 4);
}
END_TEST

START_TEST(a_late_close_shows_the_remembered_connection)
{
	setup();
	establish();
	expire();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	trace_on();
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	ck_assert_ptr_nonnull(strstr(lines(), "ct entry: none\n"));
	ck_assert_ptr_nonnull(strstr(text, "ct remembered: ESTABLISHED, ended 0s ago (idle)\n"));
	ck_assert_ptr_nonnull(strstr(text, "hook late no chain, setting late-close: policy "
	                                   "remembered\n"));
	ck_assert_ptr_nonnull(strstr(text, "ct entry: made, FIN_WAIT [ASSURED] revived, timeout"));
}
END_TEST

/* While packets are traced the fast path is off. */
START_TEST(traces_do_not_change_what_happens)
{
	struct flow untraced;

	for (unsigned traces = 0; traces < 2; traces++) {
		setup();
		if (traces != 0) {
			trace_on();
		}
		establish();
		for (uint32_t i = 0; i < 50; i++) {
			tcp(&c2s, A, 1001 + i * 10, 5001 + i * 20, 10);
			tcp(&s2c, A, 5001 + i * 20, 1011 + i * 10, 20);
		}
		ck_assert(world_flow(&w, &c2s, &flow));
		if (traces == 0) {
			untraced = flow;
		}
	}
	ck_assert_uint_eq(traced, packets);
	ck_assert_int_eq(memcmp(&untraced.conn, &flow.conn, sizeof(flow.conn)), 0);
	ck_assert_int_eq(untraced.status, flow.status);
}
END_TEST

static bool want_none(void *ctx, const struct trace *t)
{
	(void)ctx;
	(void)t;
	return false;
}

START_TEST(only_wanted_packets_are_traced)
{
	setup();
	trace_on();
	w.worker->sink.trace_wants = want_none;
	establish();
	ck_assert_uint_eq(traced, 0);
	ck_assert_ptr_null(w.worker->steps);
}
END_TEST

/* The reason late-state is there in case the table changes. */
START_TEST(late_segments_are_allowed_in_all_remembered_states)
{
	static const enum tcp_state states[] = { TCP_ESTABLISHED, TCP_FIN_WAIT,  TCP_CLOSE_WAIT,
		                                 TCP_LAST_ACK,    TCP_TIME_WAIT, TCP_CLOSE };
	static const enum tcp_class classes[] = { SEG_FIN, SEG_RST, SEG_ACK };

	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
			for (unsigned dir = 0; dir < 2; dir++) {
				ck_assert_uint_lt(
					tcp_table((enum flow_dir)dir, classes[c], states[s]),
					TCP_STATES_LEN);
			}
		}
	}
}
END_TEST

static struct watch_filter parse(const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	struct watch_filter filter;
	const char *wrong;

	ck_assert_msg(watch_filter_parse(object, &filter, &wrong), "%s", json);
	json_decref(object);
	return filter;
}

static void ck_refused(const char *json, const char *member)
{
	json_t *object = json_loads(json, 0, NULL);
	struct watch_filter filter;
	const char *wrong;

	ck_assert_msg(!watch_filter_parse(object, &filter, &wrong), "%s", json);
	ck_assert_str_eq(wrong, member);
	json_decref(object);
}

START_TEST(filters_select_traces)
{
	struct watch_filter drops = parse("{\"verdict\":\"drop,reject\"}");
	struct watch_filter beyond = parse("{\"reason\":\"tcp-beyond-window\"}");
	struct watch_filter output = parse("{\"hook\":\"output\"}");
	struct watch_filter opener = parse("{\"destination_port\":80}");
	struct watch_filter none = parse("{}");
	struct watch_filter mark = parse("{\"mark\":\"0x10/0xf0\"}");

	setup();
	c2s.dport = 80;
	s2c.sport = 80;
	trace_on();
	establish();
	ck_assert(watch_filter_may_want(&none, &trace));
	ck_assert(!watch_filter_may_want(&output, &trace));
	ck_assert(watch_filter_may_want(&opener, &trace));
	ck_assert(!watch_filter_wants_decision(&drops, &d));
	/* The reply, too: its connection has the port. */
	tcp(&s2c, A, 900000, 1001, 10);
	ck_assert(watch_filter_may_want(&opener, &trace));
	ck_assert(watch_filter_may_want(&output, &trace));
	ck_assert(watch_filter_wants_decision(&drops, &d));
	ck_assert(watch_filter_wants_decision(&beyond, &d));
	ck_assert(!watch_filter_may_want(&mark, &trace));
	ck_assert(watch_filter_wants_mark(&mark, 0xa1f));
	ck_assert(!watch_filter_wants_mark(&mark, 0xa2f));
	ck_assert(watch_filter_wants_mark(&none, 7));
	ck_refused("{\"verdict\":\"pass\"}", "verdict");
	ck_refused("{\"verdict\":\"\"}", "verdict");
	ck_refused("{\"reason\":\"drop\"}", "reason");
	ck_refused("{\"hook\":3}", "hook");
	ck_refused("{\"mark\":\"0x10/\"}", "mark");
	ck_refused("{\"mark\":16}", "mark");
	ck_refused("{\"port\":-1}", "port");
	ck_refused("{\"colour\":1}", "colour");
}
END_TEST

SUITE_MAIN("trace", packets_without_an_ip_header_have_a_trace, a_handshake_shows_entry_and_windows,
           a_late_close_shows_the_remembered_connection, traces_do_not_change_what_happens,
           only_wanted_packets_are_traced, late_segments_are_allowed_in_all_remembered_states,
           filters_select_traces)
