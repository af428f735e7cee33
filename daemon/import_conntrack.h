/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking over the connections of the kernel's tracker, so that they outlive the day on which
 * finwall takes the place of a firewall that was built on it.
 *
 * The conversion of one entry knows neither sockets nor the daemon; import_conntrack() is the rest.
 */
#ifndef FINWALL_IMPORT_CONNTRACK_H
#define FINWALL_IMPORT_CONNTRACK_H

#include "io/conntrack.h"

#include <finwall/engine.h>

#include <stdint.h>

struct daemon;

/* clang-format off */
#define FINWALL_IMPORT_OUTCOMES(X) \
	X(IMPORT_TAKEN,    "taken",    "taken over") \
	X(IMPORT_KNOWN,    "known",    "in the table already") \
	X(IMPORT_LOOPBACK, "loopback", "on the loopback device, which is not filtered") \
	X(IMPORT_ODD,      "odd",      "not understood") \
	X(IMPORT_FULL,     "full",     "no room for them")
/* clang-format on */

/* What becomes of an entry. */
enum import_outcome {
#define X(id, name, text) id,
	FINWALL_IMPORT_OUTCOMES(X)
#undef X
		IMPORT_OUTCOMES_LEN,
};

/* For machines and for people. */
const char *import_outcome_name(enum import_outcome o);
const char *import_outcome_text(enum import_outcome o);

struct import_rules {
	const struct tunables *tun;
	struct mono now;
	bool with_loopback;
};

/*
 * An entry of the kernel's as a flow of ours, ready for engine_import_flow(). Returns IMPORT_TAKEN
 * and sets *out, or says why it is left out. translated: set when its addresses are.
 */
enum import_outcome import_convert(const struct kernel_conn *c, const struct import_rules *rules,
                                   struct flow *out, bool *translated);

struct import_counts {
	uint64_t read;
	uint64_t outcome[IMPORT_OUTCOMES_LEN];
	/* of those that were taken */
	uint64_t tcp;
	uint64_t udp;
	uint64_t translated;
};

/*
 * Reads the kernel's table and takes in what ours lacks, workers running or not. Says what came of
 * it, in the log too. Returns 0 or -errno.
 */
int import_conntrack(struct daemon *d, struct import_counts *out);

/* At a start that took no connection over: the same, where settings and kernel allow it. */
void import_start(struct daemon *d);

/*
 * Some times a second: once more when the first packets have come. Until the hook rules were in
 * place the kernel's table went on changing.
 */
void import_tick(struct daemon *d);

#endif
