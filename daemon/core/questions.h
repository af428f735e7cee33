/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the other end of a late segment, and the answers to them.
 *
 * A segment from A to B waits; B was sent a probe in A's name, and answers with an ACK that carries
 * the sequence number that it expects of A next, and its own next one. A question is of one
 * direction of a connection: all segments that wait in it share one answer, and so do those that
 * arrive shortly after it. Fixed memory: sets of places, by the keyed hash of the connection. Knows
 * neither tables, nor rules, nor how a probe is sent. No lock: the caller holds the shard's.
 */
#ifndef FINWALL_CORE_QUESTIONS_H
#define FINWALL_CORE_QUESTIONS_H

#include <finwall/frame.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/reason.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An answer is used for segments that arrive this long after it. */
#define ANSWER_KEEP_NS sec_to_ns(2)

/* An unanswered question is kept at least this long after its last probe, so that a slow answer is
 * known. */
#define QUESTION_KEEP_NS sec_to_ns(3)

/* Different segments that wait for one answer. */
#define QUESTION_HELD_MAX 4

enum answer {
	ANSWER_NONE,
	ANSWER_ACK,
	ANSWER_RST, /* there is no such connection */
};

/* What identifies a held segment. */
struct held_seg {
	uint32_t seq;
	uint32_t ack;
	uint8_t class_nr; /* enum tcp_class */
};

struct question {
	uint64_t hash;      /* of the connection's key */
	struct mono probed; /* when the last probe was sent; 0: the place is free */
	struct mono heard;  /* when the answer arrived */
	int64_t keep_ns;    /* after the last probe, without an answer */
	uint32_t probe_ack;
	uint32_t probe_seq;
	uint32_t expects; /* ANSWER_ACK: the number that it expects next of the sender */
	uint32_t next;    /* and its own next number */
	uint32_t iif;     /* of the held segment */
	uint32_t oif;
	uint16_t win;       /* ANSWER_ACK: raw */
	uint8_t side;       /* enum key_side: sender of the held segment */
	uint8_t hook;       /* enum hook */
	uint8_t answer;     /* enum answer */
	uint8_t unanswered; /* probes */
	uint8_t held_len;
	struct held_seg held[QUESTION_HELD_MAX];
};

struct questions {
	struct question *place;
	uint32_t sets;     /* a power of two */
	struct mono until; /* after it no question is open */
};

/* Places for a table of this many flows; a power of two. Bytes of memory for places. */
uint32_t questions_len(uint32_t flows_max);
size_t questions_size(uint32_t len);

/* mem: zeroed, 8-byte aligned, questions_size(len) bytes, the caller's. */
void questions_init(struct questions *qs, void *mem, uint32_t len);

/* The question about segments of this side of the connection, answered or not; NULL: none. */
struct question *questions_find(const struct questions *qs, uint64_t hash, enum key_side side,
                                struct mono now);

/* A place for a new one, zeroed but for hash and side: a free one, or else that of the oldest
 * question for which no segment waits. NULL when segments wait for all of its set. */
struct question *questions_add(struct questions *qs, uint64_t hash, enum key_side side,
                               struct mono now);

/* A probe was sent with these numbers. keep_ns: how long segments may wait for its answer. */
void question_note_probe(struct questions *qs, struct question *q, uint32_t seq, uint32_t ack,
                         int64_t keep_ns, struct mono now);

/* True when the question has an answer that still counts. */
bool question_is_answered(const struct question *q, struct mono now);

/*
 * A segment of the other end: true when it is the answer to a probe, which *q then has. It must
 * have come the way back that the probe went: who forges it elsewhere is not heard.
 */
bool question_hear(struct question *q, const struct pkt *p, struct mono now);

/*
 * Judges a segment by the answer. Returns REASON_LATE_VERIFIED if the other end expects exactly
 * its sequence number, and has sent what it acknowledges; REASON_LATE_REFUTED_RST or _SEQ.
 */
enum reason question_judge(const struct question *q, const struct pkt_tcp *tcp);

#endif
