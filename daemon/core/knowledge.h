/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a connection's windows, where the tracker has not seen them from the start.
 *
 * The tracker takes the windows of such a connection from whatever comes next, as the kernel's
 * does. That serves live packets. It proves nothing: anybody can forge a segment of one side. So
 * beside such an entry there is a witness, which notes the last segment of each side. When each has
 * acknowledged exactly what the other has sent, they have agreed, and the windows are known. A
 * forger of one side's segments cannot bring that about, because the other side's segments carry
 * that side's own numbers.
 *
 * doc/late-close.md, "What is known". Must not know tables, rules or a clock.
 */
#ifndef FINWALL_CORE_KNOWLEDGE_H
#define FINWALL_CORE_KNOWLEDGE_H

#include <finwall/flow.h>
#include <finwall/pkt.h>

#include <stdbool.h>
#include <stdint.h>

#define WITNESS_HEARD   0x0003u /* a bit per enum flow_dir: end, ack and win are set */
#define WITNESS_EMPTY   0x000cu /* likewise: the latest segment had neither payload nor FIN */
#define WITNESS_FIN     0x0030u /* likewise: a FIN passed, and the sides have not agreed on it */
#define WITNESS_RST     0x0040u /* a RST closed the entry, and its number was not proved */
#define WITNESS_AGREED  0x0080u /* agreed and agreed_win are set */
#define WITNESS_CURRENT 0x0100u /* no other numbers since the sides agreed */
#define WITNESS_BESIDE  0x0200u /* an older tombstone of the same key is kept */

/* A closer passed that may have been forged. */
#define WITNESS_CLOSED (WITNESS_FIN | WITNESS_RST)

struct witness {
	uint32_t end[2]; /* of each side's latest segment */
	uint32_t ack[2];
	uint32_t fin[2];    /* end of its FIN */
	uint32_t agreed[2]; /* end of each side, when they agreed last */
	uint16_t win[2];    /* raw */
	uint16_t agreed_win[2];
	uint16_t flags; /* WITNESS_* */
	uint16_t unused[3];
} __attribute__((aligned(8)));

/*
 * Notes an ACK, data or FIN segment that the tracker accepted in direction dir. end: its sequence
 * number plus payload and FIN. win: raw. Returns true when the sides agree with it.
 */
bool witness_hear(struct witness *w, enum flow_dir dir, uint32_t seq, uint32_t end, uint32_t ack,
                  uint16_t win);

/* Notes a FIN that the tracker accepted. witness_hear() must be called too. */
void witness_note_fin(struct witness *w, enum flow_dir dir, uint32_t end);

/* True when a RST with this number in direction dir closes the connection of *f for certain. Call
 * it before the tracker. */
bool knowledge_proves_rst(const struct flow *f, const struct witness *w, enum flow_dir dir,
                          uint32_t seq);

/* Sets the tracker's windows to those on which the sides have just agreed. */
void knowledge_set_windows(struct tcp_conn *t, const struct witness *w);

/*
 * What is to be remembered of a flow, if it is: sets *out to a copy whose windows, state and status
 * hold only what is proved. w: its witness, NULL for a flow outside the table.
 */
void knowledge_to_remember(const struct flow *f, const struct witness *w, struct flow *out);

#endif
