/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of frames through a small engine, with settings and times from the input. The sums of
 * counters and the limits of the table must hold after each frame.
 *
 * Input: four bytes of settings; then frames, each: kind and flags byte, size byte, and bytes. The
 * kind selects how the bytes become a frame: raw, or as changes to a valid packet, so that not all
 * fail the checks of lengths and flags.
 */
#include "fuzz.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS 6
#define TOMBS 3

static uint8_t byte_at(const uint8_t *p, size_t size, size_t i)
{
	return i < size ? p[i] : 0;
}

/* Sequence numbers near each other, inside and outside of windows. */
static uint32_t near_number(uint8_t v)
{
	static const uint32_t base[] = { 1000, 5000, 0xffffff00, 0 };

	return base[v & 3] + (v >> 2);
}

static struct build packet_from(const uint8_t *p, size_t size)
{
	static const uint8_t protos[] = { IPPROTO_NR_TCP, IPPROTO_NR_TCP,  IPPROTO_NR_TCP,
		                          IPPROTO_NR_UDP, IPPROTO_NR_ICMP, 50 };
	uint8_t b0 = byte_at(p, size, 0);
	uint8_t family = (b0 & 1) != 0 ? 6 : 4;
	uint8_t proto = protos[(b0 >> 2) % 6];
	struct build b;

	b = build_default(family,
	                  family == 6 && proto == IPPROTO_NR_ICMP ? IPPROTO_NR_ICMPV6 : proto);
	b.sport = (uint16_t)(40000 + (b0 >> 6));
	b.flags = byte_at(p, size, 1);
	b.seq = near_number(byte_at(p, size, 2));
	b.ack = near_number(byte_at(p, size, 3));
	b.win = (uint16_t)(byte_at(p, size, 4) << 4);
	b.payload_size = byte_at(p, size, 5) & 0x1f;
	b.type = byte_at(p, size, 6);
	if (size > 7) {
		b.opts = p + 7;
		b.opts_size = (uint8_t)(size - 7 > 40 ? 40 : size - 7);
	}
	if ((b0 & 2) != 0) {
		build_reverse(&b);
	}
	return b;
}

static void check(struct world *w, uint64_t packets)
{
	struct engine_usage u;

	engine_usage(w->engine, &u);
	FUZZ_REQUIRE(u.flows <= FLOWS && u.tombs <= TOMBS);
	FUZZ_REQUIRE(world_reasons(w) == packets);
	FUZZ_REQUIRE(world_verdicts(w) == packets);
}

static void send_one(struct world *w, uint8_t kind, const uint8_t *p, size_t size)
{
	uint8_t built[BUILD_MAX];
	struct frame f;
	struct decision d;
	uint8_t *exact;
	size_t exact_size = size;

	if ((kind & 3) != 0) {
		struct build b = packet_from(p, size);

		exact_size = build_packet(&b, built);
		p = built;
	}
	exact = malloc(exact_size + (exact_size == 0));
	memcpy(exact, p, exact_size);
	f = build_frame(exact, exact_size);
	f.hook = (uint8_t)(kind >> 2 & 3) % HOOKS_LEN;
	engine_batch(w->engine, w->worker, w->now, &f, 1, &d);
	FUZZ_REQUIRE(d.reason < REASONS_LEN);
	FUZZ_REQUIRE(d.verdict < VERDICTS_LEN);
	FUZZ_REQUIRE(d.state < CT_STATES_LEN);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	uint64_t packets = 0;

	if (size < 4) {
		return 0;
	}
	world_init(&w, FLOWS, TOMBS, 1u << (data[0] & 1));
	w.policy.tun.late_close = data[0] >> 1 & 3;
	w.policy.tun.tcp_loose = data[0] >> 3 & 1;
	w.policy.tun.resurrect = data[0] >> 4 & 1;
	w.policy.tun.checksum = (data[0] >> 5) % 3;
	w.policy.tun.tcp_be_liberal = data[1] & 1;
	w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(1 + (data[1] >> 1));
	w.policy.tun.remember_ns = sec_to_ns(1 + data[2]);
	world_accept(&w, data[3]);
	data += 4;
	size -= 4;
	while (size >= 2) {
		uint8_t kind = data[0];
		size_t len = data[1] < size - 2 ? data[1] : size - 2;

		world_pass(&w, (int64_t)(kind >> 4) * (NSEC_PER_SEC / 2));
		if ((kind & 0x80) != 0) {
			world_tick(&w);
		}
		send_one(&w, kind, data + 2, len);
		check(&w, ++packets);
		data += 2 + len;
		size -= 2 + len;
	}
	world_fini(&w);
	return 0;
}
