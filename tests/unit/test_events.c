/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the event ring (full, empty, across its end, between two threads) and of the lines
 * written from events.
 */
#include "event_text.h"
#include "suite.h"

#include <arpa/inet.h>
#include <pthread.h>

/* The number of events that the other thread passes. */
#define PASSED_LEN 200000

static struct frame frame = { .true_size = 60, .iif = 2, .oif = 3 };

static struct pkt make_pkt(const char *src, const char *dst, uint8_t family, uint8_t proto)
{
	struct pkt p = { .frame = &frame, .depth = PKT_FULL, .l4_proto = proto, .ttl = 64 };

	p.tuple.family = family;
	p.tuple.proto = proto;
	p.tuple.sport = 1025;
	p.tuple.dport = 80;
	ck_assert_int_eq(inet_pton(family == 4 ? AF_INET : AF_INET6, src, p.tuple.src.bytes), 1);
	ck_assert_int_eq(inet_pton(family == 4 ? AF_INET : AF_INET6, dst, p.tuple.dst.bytes), 1);
	return p;
}

/* The line for one packet that passed through a ring. */
static const char *line_of(const struct pkt *p, const char *prefix)
{
	static char text[EVENT_TEXT_SIZE];
	static struct event_ring ring;
	const struct worker_event *ev;

	ck_assert(event_ring_put_log(&ring, 1, NULL, 0, p, CT_NEW));
	ev = event_ring_peek(&ring);
	ck_assert_ptr_nonnull(ev);
	ck_assert_int_eq(ev->kind, WORKER_EVENT_LOG);
	event_text_log(&ev->log, prefix, "eth0", "eth1", text);
	event_ring_pop(&ring);
	ck_assert_ptr_null(event_ring_peek(&ring));
	return text;
}

START_TEST(a_tcp_line_is_exact)
{
	struct pkt p = make_pkt("192.0.2.1", "198.51.100.7", 4, IPPROTO_NR_TCP);

	p.tos = 0xb8;
	p.tcp.win = 64240;
	p.tcp.flags = TCP_SYN | TCP_ECE | TCP_CWR;
	ck_assert_str_eq(line_of(&p, "IN NEW: "),
	                 "IN NEW: IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=198.51.100.7 LEN=60 TOS=0x18 "
	                 "PREC=0xA0 TTL=64 PROTO=TCP SPT=1025 DPT=80 WINDOW=64240 CWR ECE SYN");
}
END_TEST

START_TEST(a_udp_line_is_exact)
{
	struct pkt p = make_pkt("2001:db8::1", "2001:db8::2", 6, IPPROTO_NR_UDP);

	ck_assert_str_eq(line_of(&p, ""),
	                 "IN=eth0 OUT=eth1 SRC=2001:db8::1 DST=2001:db8::2 LEN=60 TC=0 HOPLIMIT=64 "
	                 "PROTO=UDP SPT=1025 DPT=80");
}
END_TEST

START_TEST(an_icmp_line_is_exact)
{
	struct pkt p = make_pkt("192.0.2.1", "192.0.2.2", 4, IPPROTO_NR_ICMP);

	p.icmp_type = 8;
	ck_assert_str_eq(line_of(&p, ""), "IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 "
	                                  "TOS=0x00 PREC=0x00 TTL=64 PROTO=ICMP TYPE=8 CODE=0");
}
END_TEST

/* Only decoded fields are printed. */
START_TEST(a_line_omits_fields_that_were_not_decoded)
{
	struct pkt p = make_pkt("192.0.2.1", "192.0.2.2", 4, IPPROTO_NR_TCP);

	p.tcp.flags = TCP_SYN;
	p.depth = PKT_PORTS;
	ck_assert_str_eq(line_of(&p, ""),
	                 "IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TOS=0x00 PREC=0x00 "
	                 "TTL=64 PROTO=TCP SPT=1025 DPT=80");
	p.depth = PKT_IP;
	ck_assert_str_eq(line_of(&p, ""), "IN=eth0 OUT=eth1 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 "
	                                  "TOS=0x00 PREC=0x00 TTL=64 PROTO=TCP");
	p.depth = PKT_NOTHING;
	ck_assert_str_eq(line_of(&p, ""), "IN=eth0 OUT=eth1 LEN=60");
}
END_TEST

/* A prefix of the maximum length, and a longer one: truncated, no overrun. */
START_TEST(a_long_prefix_is_truncated)
{
	struct pkt p = make_pkt("192.0.2.1", "192.0.2.2", 4, IPPROTO_NR_TCP);
	char prefix[2 * EVENT_TEXT_SIZE];

	memset(prefix, 'x', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	ck_assert_uint_eq(strlen(line_of(&p, prefix)), EVENT_TEXT_SIZE - 1);
}
END_TEST

START_TEST(a_late_line_is_exact)
{
	struct late_event late = { .class_nr = SEG_FIN,
		                   .policy = LATE_REMEMBERED,
		                   .reason = REASON_LATE_REVIVED,
		                   .verdict = VERDICT_ACCEPT,
		                   .has_tomb = 1,
		                   .cause = TOMB_IDLE,
		                   .tcp_state = TCP_ESTABLISHED,
		                   .gone_ns = sec_to_ns(90),
		                   .seq_distance = -1 };
	struct pkt p = make_pkt("192.0.2.1", "192.0.2.2", 4, IPPROTO_NR_TCP);
	char text[EVENT_TEXT_SIZE];

	late.tuple = p.tuple;
	event_text_late(&late, text);
	ck_assert_msg(strstr(text, "late FIN SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP SPT=1025 DPT=80 "
	                           "policy=remembered outcome=late-revived verdict=accept "
	                           "was=ESTABLISHED ended=") == text,
	              "%s", text);
	ck_assert_ptr_nonnull(strstr(text, " ago=90s off=-1"));
	late.has_tomb = 0;
	event_text_late(&late, text);
	ck_assert_ptr_null(strstr(text, "was="));
}
END_TEST

START_TEST(a_compare_line_is_exact)
{
	struct decision d = { .state = CT_ESTABLISHED,
		              .reason = REASON_TCP_TRACKED,
		              .verdict = VERDICT_ACCEPT,
		              .dir = DIR_REPLY,
		              .tcp_state = TCP_FIN_WAIT };
	struct pkt p = make_pkt("2001:db8::1", "2001:db8::2", 6, IPPROTO_NR_TCP);
	static struct event_ring ring;
	char text[EVENT_TEXT_SIZE];
	const struct worker_event *ev;

	p.tcp.flags = TCP_FIN | TCP_ACK;
	p.tcp.seq = 4294967295u;
	p.tcp.ack = 7;
	ck_assert(event_ring_put_compare(&ring, &p, &d, KERNEL_INVALID));
	ev = event_ring_peek(&ring);
	ck_assert_int_eq(ev->kind, WORKER_EVENT_COMPARE);
	event_text_compare(&ev->compare, "eth0", "eth1", text);
	ck_assert_msg(strstr(text,
	                     "compare: finwall=established kernel=invalid reason=tcp-tracked "
	                     "verdict=accept hook=input direction=reply entry=FIN_WAIT "
	                     "seq=4294967295 ack=7 IN=eth0 OUT=eth1 SRC=2001:db8::1 ") == text,
	              "%s", text);
	ck_assert_ptr_nonnull(strstr(text, " SPT=1025 DPT=80 "));
	ck_assert_ptr_nonnull(strstr(text, " ACK FIN"));
}
END_TEST

START_TEST(a_full_ring_refuses)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));
	struct late_event late = { .policy = LATE_STRICT };

	for (int round = 0; round < 3; round++) {
		for (int32_t i = 0; i < EVENT_RING_LEN; i++) {
			late.seq_distance = i;
			ck_assert(event_ring_put_late(ring, 1, &late));
		}
		ck_assert(!event_ring_put_late(ring, 1, &late));
		for (int32_t i = 0; i < EVENT_RING_LEN; i++) {
			const struct worker_event *ev = event_ring_peek(ring);

			ck_assert_ptr_nonnull(ev);
			ck_assert_int_eq(ev->kind, WORKER_EVENT_LATE);
			ck_assert_int_eq(ev->late.seq_distance, i);
			event_ring_pop(ring);
		}
		ck_assert_ptr_null(event_ring_peek(ring));
	}
	free(ring);
}
END_TEST

static void *write_events(void *arg)
{
	struct late_event late = { .policy = LATE_STRICT };

	for (int32_t i = 0; i < PASSED_LEN;) {
		late.seq_distance = i;
		late.gone_ns = ~(int64_t)i;
		i += event_ring_put_late(arg, 1, &late) ? 1 : 0;
	}
	return NULL;
}

/* Each event arrives once, complete and in order. */
START_TEST(two_threads_pass_every_event)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));
	pthread_t writer;

	ck_assert_int_eq(pthread_create(&writer, NULL, write_events, ring), 0);
	for (int32_t i = 0; i < PASSED_LEN;) {
		const struct worker_event *ev = event_ring_peek(ring);

		if (ev == NULL) {
			continue;
		}
		ck_assert_int_eq(ev->late.seq_distance, i);
		ck_assert_int_eq(ev->late.gone_ns, ~(int64_t)i);
		event_ring_pop(ring);
		i++;
	}
	ck_assert_int_eq(pthread_join(writer, NULL), 0);
	free(ring);
}
END_TEST

SUITE_MAIN("events", a_tcp_line_is_exact, a_udp_line_is_exact, an_icmp_line_is_exact,
           a_line_omits_fields_that_were_not_decoded, a_long_prefix_is_truncated,
           a_late_line_is_exact, a_compare_line_is_exact, a_full_ring_refuses,
           two_threads_pass_every_event)
