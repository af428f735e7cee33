/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the nodes of a cluster: changes of connections and of sets.
 *
 * Layout, little-endian: a header of CLUSTER_HEADER_SIZE bytes, then records. A record is its kind,
 * an argument, the size of its contents in 16 bits, and the contents; connections are the records
 * of saved state (snapshot.h). All times are relative to the moment at which the message was
 * written, so the clocks of the nodes need not agree.
 *
 * Versions: a message has the version of its writer and the oldest version that can read it. A
 * reader skips records of kinds that it does not know, and ignores what is behind the contents that
 * it knows, so both directions work between two versions that differ by one.
 *
 * Untrusted: every size is checked, and a record with a value that no entry can have is left out.
 * Pure: makes no system calls.
 */
#ifndef FINWALL_WIRE_CLUSTER_MSG_H
#define FINWALL_WIRE_CLUSTER_MSG_H

#include <finwall/bytes.h>
#include <finwall/flow.h>
#include <finwall/snapshot.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_VERSION     1
#define CLUSTER_READABLE_BY 1 /* the oldest version that can read what this one writes */

#define CLUSTER_HEADER_SIZE 40
#define CLUSTER_HEAD_SIZE   4 /* of a record */
#define CLUSTER_FLOW_SIZE   (CLUSTER_HEAD_SIZE + SNAPSHOT_RECORD_SIZE)
#define CLUSTER_SET_MAX     1024 /* bytes of the contents of a CLUSTER_SET */

enum cluster_kind {
	CLUSTER_FLOW = 1, /* a live connection */
	CLUSTER_ENDED,    /* as it was at its end; arg: CLUSTER_REMEMBERS */
	CLUSTER_TOMB,     /* a remembered connection */
	CLUSTER_DELETED,  /* by command; arg: enum engine_delete_mode of the caller */
	CLUSTER_FLUSHED,  /* all of them; likewise */
	CLUSTER_SET,      /* an element of a set; arg: CLUSTER_SET_ADD or _DELETE */
	CLUSTER_KINDS_LEN,
};

#define CLUSTER_REMEMBERS  1u
#define CLUSTER_MODES_LEN  3u /* of CLUSTER_DELETED and CLUSTER_FLUSHED */
#define CLUSTER_SET_ADD    0u
#define CLUSTER_SET_DELETE 1u

struct cluster_header {
	uint64_t run;     /* of the writer: a random number of this process */
	uint64_t seq;     /* of the message, from 1, by this process */
	uint64_t time_ms; /* when it was written, by the engine's clock; 0 = not known */
	uint32_t flags;   /* CLUSTER_IS_* */
	uint32_t records_len;
	uint16_t version;
};

#define CLUSTER_IS_LOSSY 1u /* changes before this message were lost: a snapshot follows */
#define CLUSTER_IS_CHUNK 2u /* a part of a snapshot; seq: the first message that it lacks */

/* clang-format off */
#define FINWALL_CLUSTER_RESULTS(X) \
	X(CLUSTER_OK,    "valid") \
	X(CLUSTER_SHORT, "shorter than its header") \
	X(CLUSTER_MAGIC, "not a message of finwall") \
	X(CLUSTER_NEWER, "written by a version that is too new") \
	X(CLUSTER_OLDER, "written by a version that is too old")
/* clang-format on */

enum cluster_result {
#define X(id, text) id,
	FINWALL_CLUSTER_RESULTS(X)
#undef X
};

const char *cluster_result_text(enum cluster_result r);

void cluster_write_header(const struct cluster_header *h, uint8_t out[static CLUSTER_HEADER_SIZE]);

/* Write a record with CLUSTER_FLOW_SIZE bytes. kind: CLUSTER_FLOW or CLUSTER_ENDED. */
void cluster_write_flow(enum cluster_kind kind, unsigned arg, const struct flow *f, struct mono now,
                        uint8_t out[static CLUSTER_FLOW_SIZE]);
void cluster_write_tomb(const struct tomb_info *tomb, struct mono now,
                        uint8_t out[static CLUSTER_FLOW_SIZE]);

#define CLUSTER_DELETED_SIZE (CLUSTER_HEAD_SIZE + SNAPSHOT_KEY_SIZE)
#define CLUSTER_FLUSHED_SIZE CLUSTER_HEAD_SIZE
void cluster_write_deleted(unsigned mode, const struct flowkey *key,
                           uint8_t out[static CLUSTER_DELETED_SIZE]);
void cluster_write_flushed(unsigned mode, uint8_t out[static CLUSTER_FLUSHED_SIZE]);

/* table: "FAMILY NAME". Returns the size of the record, or 0 when it would be too long. */
size_t cluster_write_set(unsigned op, const char *table, const char *set, const char *element,
                         uint8_t out[static CLUSTER_HEAD_SIZE + CLUSTER_SET_MAX]);

/* Reads the header; sets *records to what follows. */
enum cluster_result cluster_read_header(const void *bytes, size_t size, struct cluster_header *out,
                                        struct cursor *records);

struct cluster_record {
	enum cluster_kind kind;
	unsigned arg;
	struct flow flow;      /* CLUSTER_FLOW, CLUSTER_ENDED */
	struct tomb_info tomb; /* CLUSTER_TOMB */
	struct flowkey key;    /* CLUSTER_DELETED */
	/* CLUSTER_SET; they point into the message */
	const char *table;
	const char *set;
	const char *element;
};

enum cluster_next {
	CLUSTER_NEXT_RECORD,
	CLUSTER_NEXT_UNKNOWN, /* a kind of a newer version */
	CLUSTER_NEXT_INVALID, /* a value that no entry can have */
	CLUSTER_NEXT_CUT,     /* the message ends within a record: it is over */
	CLUSTER_NEXT_END,
};

/* Reads the next record and moves *records behind it. written: when the message was. */
enum cluster_next cluster_read_next(struct cursor *records, struct mono written,
                                    struct cluster_record *out);

#endif
