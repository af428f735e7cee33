/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file format of saved state: live flows and tombstones to bytes, and back.
 *
 * Layout, little-endian: a header of 64 bytes, then records of 112 bytes each, all flows before all
 * tombstones. The header has their numbers, a checksum of itself and one of all records. Times are
 * relative to the wall-clock time in the header, so that they are valid after a reboot.
 *
 * A file is untrusted: snapshot_check() checks all of it before anything is imported. No I/O here.
 */
#ifndef FINWALL_SNAPSHOT_H
#define FINWALL_SNAPSHOT_H

#include <finwall/flow.h>
#include <finwall/mono.h>

#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_VERSION     1
#define SNAPSHOT_HEADER_SIZE 64
#define SNAPSHOT_RECORD_SIZE 112

struct snapshot_header {
	int64_t saved_wall_ns; /* CLOCK_REALTIME when times were taken */
	uint64_t flows_len;
	uint64_t tombs_len;
	uint64_t records_sum; /* over all records, see snapshot_sum() */
	uint64_t flags;       /* SNAPSHOT_FINAL */
};

/* Written when the daemon stopped: it accepted no packet after that. */
#define SNAPSHOT_FINAL UINT64_C(1)

/* clang-format off */
#define FINWALL_SNAPSHOT_RESULTS(X) \
	X(SNAPSHOT_OK,       "valid") \
	X(SNAPSHOT_SHORT,    "shorter than its header") \
	X(SNAPSHOT_MAGIC,    "not a file of saved state") \
	X(SNAPSHOT_NEWER,    "written by a newer version") \
	X(SNAPSHOT_HEADER,   "damaged in its header") \
	X(SNAPSHOT_LENGTH,   "size differs from that in its header") \
	X(SNAPSHOT_CHECKSUM, "damaged: the checksum is wrong") \
	X(SNAPSHOT_RECORD,   "damaged: a record makes no sense")
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

/* Adds a record to the checksum of the records before it, which starts at 0. */
uint64_t snapshot_sum(uint64_t sum, const uint8_t record[static SNAPSHOT_RECORD_SIZE]);

/* Checks a whole file. Its records may be read only after SNAPSHOT_OK. */
enum snapshot_result snapshot_check(const uint8_t *file, size_t size, struct snapshot_header *out);

/*
 * Read record nr of a checked file: flows are 0 .. flows_len - 1, tombstones follow. now: the
 * instant that its times are relative to, which the caller has corrected for the time since the
 * save.
 */
void snapshot_read_flow(const uint8_t *file, uint64_t nr, struct mono now, struct flow *out);
void snapshot_read_tomb(const uint8_t *file, uint64_t nr, struct mono now, struct tomb_info *out);

#endif
