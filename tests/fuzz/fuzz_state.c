/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: any bytes as a file are refused or read; any record of a file whose checksums are
 * right is refused or becomes an entry, with which the engine judges packets without harm.
 *
 * Input: one byte of settings; then records, each: a byte whose bit 0 is set for a tombstone, and
 * SNAPSHOT_RECORD_SIZE bytes. What is left decides about packets: two bytes each, flags and number.
 */
#include <finwall/snapshot.h>

#include "fuzz.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS       4
#define TOMBS       4
#define RECORDS_MAX 8
#define PIECE       (1 + SNAPSHOT_RECORD_SIZE)

/* The packets that the records of the corpus know: see make_corpus.c. */
static struct build packet_of(uint8_t flags, uint8_t number)
{
	struct build b = build_default((number & 1) != 0 ? 6 : 4, IPPROTO_NR_TCP);

	b.flags = flags;
	b.seq = 1000u + (number >> 2);
	b.ack = 5000;
	if ((number & 2) != 0) {
		build_reverse(&b);
		b.seq = 5000u + (number >> 2);
		b.ack = 1000;
	}
	return b;
}

/* A record that is read is written as it was read. */
static void check_flow(const struct flow *f, struct mono now)
{
	uint8_t record[SNAPSHOT_RECORD_SIZE];
	uint8_t again[SNAPSHOT_RECORD_SIZE];
	struct flow back;

	snapshot_write_flow(f, now, record);
	FUZZ_REQUIRE(snapshot_record_flow(record, sizeof(record), now, &back));
	snapshot_write_flow(&back, now, again);
	FUZZ_REQUIRE(memcmp(again, record, sizeof(again)) == 0);
}

/* Imports the records of a file, as a start does. */
static void import(struct world *w, const uint8_t *file, const struct snapshot_header *h,
                   bool has_gap)
{
	struct mono saved = mono_add(w->now, -NSEC_PER_SEC);
	struct tomb_info tomb;
	struct flow f;

	for (uint64_t nr = 0; nr < h->flows_len; nr++) {
		if (snapshot_read_flow(file, nr, saved, &f)) {
			check_flow(&f, saved);
			if (has_gap && f.key.proto == IPPROTO_NR_TCP) {
				tcp_note_gap(&f.conn.tcp, &f.status);
			}
			(void)engine_import_flow(w->engine, w->worker, &f, w->now);
		}
	}
	for (uint64_t nr = h->flows_len; nr < h->flows_len + h->tombs_len; nr++) {
		if (snapshot_read_tomb(file, nr, saved, &tomb)) {
			(void)engine_import_tomb(w->engine, w->worker, &tomb, w->now);
		}
	}
}

/* A file of the input's records, flows first, with right checksums. Returns its size. */
static size_t make_file(const uint8_t *data, size_t records, uint8_t *file)
{
	struct snapshot_header h = { .saved_wall_ns = 1 };
	uint8_t *at = file + SNAPSHOT_HEADER_SIZE;

	for (unsigned kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < records; i++) {
			const uint8_t *piece = data + i * PIECE;

			if ((piece[0] & 1) == kind) {
				memcpy(at, piece + 1, SNAPSHOT_RECORD_SIZE);
				h.records_sum = snapshot_sum(h.records_sum, at);
				h.flows_len += kind == 0;
				h.tombs_len += kind == 1;
				at += SNAPSHOT_RECORD_SIZE;
			}
		}
	}
	snapshot_write_header(&h, file);
	return (size_t)(at - file);
}

static void send_packets(struct world *w, const uint8_t *data, size_t size)
{
	struct engine_usage u;

	for (; size >= 2; data += 2, size -= 2) {
		struct build b = packet_of(data[0], data[1]);
		struct decision d = world_send(w, &b, HOOK_FORWARD);

		FUZZ_REQUIRE(d.reason < REASONS_LEN && d.state < CT_STATES_LEN);
		world_pass(w, (int64_t)(data[1] >> 5) * NSEC_PER_SEC);
		world_tick(w);
	}
	engine_usage(w->engine, &u);
	FUZZ_REQUIRE(u.flows <= FLOWS && u.tombs <= TOMBS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t file[SNAPSHOT_HEADER_SIZE + RECORDS_MAX * SNAPSHOT_RECORD_SIZE];
	struct snapshot_header h;
	struct world w;
	size_t records;

	(void)snapshot_check(data, size, &h);
	if (size < 1) {
		return 0;
	}
	records = (size - 1) / PIECE;
	records = records < RECORDS_MAX ? records : RECORDS_MAX;
	FUZZ_REQUIRE(snapshot_check(file, make_file(data + 1, records, file), &h) == SNAPSHOT_OK);
	world_init(&w, FLOWS, TOMBS, 1u << (data[0] & 1));
	w.policy.tun.late_close = data[0] >> 1 & 3;
	import(&w, file, &h, (data[0] & 8) != 0);
	send_packets(&w, data + 1 + records * PIECE, size - 1 - records * PIECE);
	world_fini(&w);
	return 0;
}
