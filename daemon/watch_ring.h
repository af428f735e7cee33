/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of different sizes from one writer to one reader: a ring of bytes. The writer never
 * waits; a record that does not fit is refused, and the caller counts it.
 */
#ifndef FINWALL_WATCH_RING_H
#define FINWALL_WATCH_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes; a power of two. */
#define WATCH_RING_SIZE (UINT32_C(1) << 20)

/* Each record begins at a multiple of this, as its contents may need. */
#define WATCH_RING_ALIGN 64

/* The head of a record; the contents follow at the next multiple of WATCH_RING_ALIGN. */
struct watch_record {
	uint32_t size;    /* of the contents, in bytes */
	uint32_t kind;    /* the user's; WATCH_RECORD_SKIP: the rest of the ring is unused */
	uint32_t readers; /* the user's: who wants it */
};

#define WATCH_RECORD_SKIP UINT32_MAX

struct watch_ring {
	_Alignas(64) _Atomic uint32_t head; /* written by the writer; both grow and wrap */
	_Alignas(64) _Atomic uint32_t tail; /* written by the reader */
	_Alignas(64) uint8_t bytes[WATCH_RING_SIZE];
};

/* Writer: returns where to write the contents of the next record, or NULL when it does not fit. It
 * is not visible before watch_ring_publish(). */
void *watch_ring_reserve(struct watch_ring *r, uint32_t kind, uint32_t readers, uint32_t size);
void watch_ring_publish(struct watch_ring *r);

/* Reader: returns the oldest record with *contents, borrowed until watch_ring_pop(), or NULL. */
const struct watch_record *watch_ring_peek(struct watch_ring *r, const void **contents);
void watch_ring_pop(struct watch_ring *r);

#endif
