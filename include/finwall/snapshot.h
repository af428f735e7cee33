/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: live flows and tombstones to the bytes of a file, and back.
 *
 * Layout, little-endian: a header of 64 bytes, then records of 128 bytes each, all flows before all
 * tombstones; in version 1 of 112 bytes, which lack the last fields. The header has their numbers, a checksum of itself and one of all records. Times are
 * relative to the wall-clock time in the header, so that they are valid after a reboot.
 *
 * A file is untrusted: snapshot_check() checks all of it for damage before the first record is
 * read, so that a damaged file is never loaded in part. Each record is checked when it is read: one
 * with a value that no entry can have is left out, and the others are read. Pure: makes no system
 * calls.
 */
#ifndef FINWALL_SNAPSHOT_H
#define FINWALL_SNAPSHOT_H

#include <finwall/flow.h>
#include <finwall/mono.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_VERSION     2
#define SNAPSHOT_HEADER_SIZE 64
#define SNAPSHOT_RECORD_SIZE 128

struct snapshot_header {
	int64_t saved_wall_ns; /* CLOCK_REALTIME of the save */
	uint64_t flows_len;
	uint64_t tombs_len;
	uint64_t records_sum; /* over all records, see snapshot_sum() */
	uint64_t flags;       /* SNAPSHOT_FINAL */
};

/* The daemon had stopped: no packet got a verdict after the save. */
#define SNAPSHOT_FINAL UINT64_C(1)

/* clang-format off */
#define FINWALL_SNAPSHOT_RESULTS(X) \
	X(SNAPSHOT_OK,       "valid") \
	X(SNAPSHOT_SHORT,    "shorter than its header") \
	X(SNAPSHOT_MAGIC,    "not a state file") \
	X(SNAPSHOT_NEWER,    "written by a newer version") \
	X(SNAPSHOT_HEADER,   "invalid header") \
	X(SNAPSHOT_LENGTH,   "size does not match its header") \
	X(SNAPSHOT_CHECKSUM, "checksum mismatch")
/* clang-format on */

enum snapshot_result {
#define X(id, text) id,
	FINWALL_SNAPSHOT_RESULTS(X)
#undef X
};

const char *snapshot_text(enum snapshot_result r);

void snapshot_write_header(const struct snapshot_header *h,
                           uint8_t out[static SNAPSHOT_HEADER_SIZE]);
void snapshot_write_flow(const struct flow *f, struct mono now,
                         uint8_t out[static SNAPSHOT_RECORD_SIZE]);
void snapshot_write_tomb(const struct tomb_info *tomb, struct mono now,
                         uint8_t out[static SNAPSHOT_RECORD_SIZE]);

/* Returns the checksum sum extended by one record; start with 0. */
uint64_t snapshot_sum(uint64_t sum, const uint8_t record[static SNAPSHOT_RECORD_SIZE]);

/* Checks a whole file for damage. Its records may be read only after SNAPSHOT_OK. */
enum snapshot_result snapshot_check(const uint8_t *file, size_t size, struct snapshot_header *out);

/*
 * Reads record nr of a valid file: flows are 0 .. flows_len - 1, tombstones follow.
 * now is the instant to which its times relate, corrected by the caller for the time the daemon was
 * down. Return false when the record is not a valid one of that kind.
 */
bool snapshot_read_flow(const uint8_t *file, uint64_t nr, struct mono now, struct flow *out);
bool snapshot_read_tomb(const uint8_t *file, uint64_t nr, struct mono now, struct tomb_info *out);

#endif
