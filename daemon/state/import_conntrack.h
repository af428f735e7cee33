/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import of the kernel tracker's connections, so that they survive the day when finwall replaces a
 * firewall that used it. Main thread only.
 */
#ifndef FINWALL_STATE_IMPORT_CONNTRACK_H
#define FINWALL_STATE_IMPORT_CONNTRACK_H

#include "wire/conntrack_msg.h"

#include <finwall/config.h>
#include <finwall/engine.h>

#include <stdbool.h>
#include <stdint.h>

struct log;

/* What becomes of an entry: name in JSON, text for people. */
/* clang-format off */
#define FINWALL_IMPORT_OUTCOMES(X) \
	X(IMPORT_TAKEN,    "taken",    "imported") \
	X(IMPORT_KNOWN,    "known",    "already in the table") \
	X(IMPORT_DELETED,  "deleted",  "deleted by command since the first import") \
	X(IMPORT_LOOPBACK, "loopback", "on the loopback device, which is not filtered") \
	X(IMPORT_ODD,      "odd",      "invalid, or of an unknown kind") \
	X(IMPORT_FULL,     "full",     "the table is full")
/* clang-format on */

enum import_outcome {
#define X(id, name, text) id,
	FINWALL_IMPORT_OUTCOMES(X)
#undef X
		IMPORT_OUTCOMES_LEN,
};

const char *import_outcome_name(enum import_outcome o);
const char *import_outcome_text(enum import_outcome o);

struct import_rules {
	const struct tunables *tun;
	struct mono now;
	bool with_loopback;
};

/*
 * Converts an entry of the kernel to a flow for engine_import_flow(). Pure. Returns IMPORT_TAKEN
 * with *out, or why the entry cannot be imported. Sets *translated when its addresses or ports are.
 */
enum import_outcome import_convert(const struct kernel_conn *c, const struct import_rules *rules,
                                   struct flow *out, bool *translated);

struct import_counts {
	uint64_t read;
	uint64_t outcome[IMPORT_OUTCOMES_LEN];
	/* of IMPORT_TAKEN */
	uint64_t tcp;
	uint64_t udp;
	uint64_t translated;
};

/* More deletions than this before the first packets end the repetition. */
#define IMPORT_DELETED_MAX 64

struct importer {
	/* set once; borrowed */
	struct log *log;
	struct engine *engine;
	struct engine_worker *worker; /* the main thread's */
	/* zeroed at first */
	bool repeats; /* once more after the first packets */
	uint32_t deleted_len;
	struct flowkey deleted[IMPORT_DELETED_MAX]; /* by command, while it repeats */
};

/*
 * Reads the kernel's table and imports the connections that the engine does not have, workers
 * running or not. Logs and counts the result. Returns 0, or -errno when the table cannot be read.
 */
int import_conntrack(struct importer *im, const struct settings *settings,
                     struct import_counts *out);

/* At a start that loaded no connections: imports, if settings and kernel allow it. */
void import_start(struct importer *im, const struct settings *settings);

/*
 * Imports once more when packets, the number received so far, is not 0: the kernel's table changed
 * until the hook rules were in place. Call it every 0.1 seconds.
 */
void import_tick(struct importer *im, const struct settings *settings, uint64_t packets);

/*
 * A command has deleted a connection, or all: the repeated import leaves out what the kernel's
 * tracker still has of it.
 */
void import_note_deleted(struct importer *im, const struct flowkey *key);
void import_note_flushed(struct importer *im);

#endif
