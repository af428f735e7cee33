/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second implementation of the TCP tracker, written directly from doc/tcp-tracking.md, sections 4
 * to 8, without regard to speed. Shares no code with core but constants.
 */
#ifndef FINWALL_TESTS_TCP_MODEL_H
#define FINWALL_TESTS_TCP_MODEL_H

#include "seg.h"

/* States, in the order of the document; IV is "invalid", IG is "ignored". */
enum { NO, SS, SR, ES, FW, CW, LA, TW, CL, S2, IV, IG };

struct side {
	uint32_t end;
	uint32_t maxend;
	uint32_t maxwin;
	uint32_t maxack;
	unsigned scale;
	unsigned flags;
};

struct model {
	bool exists;
	unsigned orig;
	unsigned state;
	struct side seen[2];
	unsigned last_dir;
	unsigned last_index;
	uint32_t last_seq;
	uint32_t last_ack;
	uint32_t last_end;
	uint16_t last_win;
	unsigned last_wscale;
	unsigned last_flags;
	uint8_t retrans;
	bool seen_reply;
	bool assured;
	int64_t expiry;
};

enum outcome { OUT_ACCEPT, OUT_IGNORE, OUT_INVALID };

/* Tracks one segment from that end at time now. */
enum outcome model_send(struct model *m, enum end from, const struct pkt_tcp *p,
                        const struct tunables *tun, int64_t now);

#endif
