/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding and checksums of any bytes, and the answers to them where they are rejected.
 *
 * Input: two bytes, by how much the packet is longer than its copy; one byte of checksum policy and
 * flags; then the copied bytes.
 */
#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#include "fuzz.h"
#include "wire/raw_packet.h"
#include "wire/refusal.h"

#include <stdlib.h>
#include <string.h>

/* The contract of pkt.h for a packet that is decoded in full. */
static void check_whole(const struct frame *f, const struct pkt *p)
{
	FUZZ_REQUIRE(p->depth == PKT_FULL);
	FUZZ_REQUIRE(p->l4 >= f->data && p->l4 <= f->data + f->cap_size);
	FUZZ_REQUIRE(p->l4_cap_size <= (size_t)(f->data + f->cap_size - p->l4));
	FUZZ_REQUIRE(p->l4_cap_size <= p->l4_size);
	FUZZ_REQUIRE(p->l4_size <= f->true_size);
	FUZZ_REQUIRE(p->tuple.family == 4 || p->tuple.family == 6);
	if (p->kind == PKT_KIND_TCP) {
		FUZZ_REQUIRE(p->tcp.class_nr < SEG_NONE);
		FUZZ_REQUIRE(p->tcp.opts_size <= 40);
		FUZZ_REQUIRE(p->tcp.opts + p->tcp.opts_size <= f->data + f->cap_size);
		FUZZ_REQUIRE(p->tcp.payload_size + p->tcp.opts_size + 20 == p->l4_size);
	}
}

static void check_key(const struct tuple *t)
{
	struct flowkey key;
	enum key_side side;
	struct tuple back;

	if (flowkey_from_tuple(t, &key, &side)) {
		flowkey_to_tuple(&key, side, &back);
		FUZZ_REQUIRE(memcmp(&back.src, &t->src, sizeof(back.src)) == 0);
		FUZZ_REQUIRE(back.sport == t->sport && back.dport == t->dport);
	}
}

/* An answer quotes only what was copied, and goes to where the packet came from. */
static void refuse(const struct frame *f, enum reject_with with)
{
	uint8_t error[RAW_ERROR_SIZE];
	uint8_t reset[RAW_PACKET_SIZE];
	struct raw_request req;
	uint32_t quote_size;

	if (!refusal_make(f, with, &req, &quote_size)) {
		return;
	}
	FUZZ_REQUIRE(quote_size <= f->cap_size && quote_size <= RAW_QUOTE_MAX_IP6);
	FUZZ_REQUIRE((req.kind == RAW_ERROR) == (quote_size > 0));
	if (req.kind == RAW_ERROR) {
		FUZZ_REQUIRE(raw_error_write(&req, f->data, quote_size, error) <= sizeof(error));
	} else {
		FUZZ_REQUIRE(raw_packet_write(&req, reset) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;
	struct pkt p;
	enum reason r;
	uint8_t *exact;

	if (size < 3) {
		return 0;
	}
	memset(&f, 0, sizeof(f));
	f.cap_size = (uint32_t)(size - 3);
	f.true_size = f.cap_size + ((uint32_t)data[0] << 8 | data[1]);
	f.csum = (data[2] & 4) != 0 ? CSUM_TRUSTED : CSUM_UNVERIFIED;
	exact = malloc(size - 3 + (size == 3));
	memcpy(exact, data + 3, size - 3);
	f.data = exact;
	r = pkt_decode(&f, &p);
	if (r == REASON_NONE) {
		check_whole(&f, &p);
		check_key(p.kind == PKT_KIND_ICMP_ERROR ? &p.quoted : &p.tuple);
		r = pkt_verify(&p, (enum csum_policy)(data[2] % 3));
	}
	FUZZ_REQUIRE(r == REASON_NONE || reason_state(r) == CT_INVALID);
	for (unsigned with = 0; with < REJECTS_LEN; with++) {
		refuse(&f, (enum reject_with)with);
	}
	free(exact);
	return 0;
}
