/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sets and maps of finwall/ruleset_elem.h, built from lists of boxes: layers of intervals, and
 * the table of elements. Heap memory.
 */
#ifndef FINWALL_SETS_KEYED_BUILD_H
#define FINWALL_SETS_KEYED_BUILD_H

#include <finwall/ruleset_elem.h>

#include <stddef.h>

/* What all elements of a set have in common. */
struct keyed_shape {
	uint32_t fields_len;
	uint8_t is_wide[RS_KEY_FIELDS_MAX]; /* 128 bits */
	bool has_state;                     /* timeouts, counters, limits */
	bool is_map;
	uint32_t cap;             /* elements; 0 = grows by command */
	const struct rs_kit *kit; /* [0] has nothing; copied */
	uint32_t kits_len;
};

/* Elements: fields_len intervals each, and the rest. */
struct keyed_list {
	struct interval *box;
	struct rs_item *item;
	size_t len;
};

enum keyed_problem {
	KEYED_OK,
	KEYED_NO_MEMORY,
	KEYED_TOO_DEEP, /* intervals overlap in more than RS_LAYERS_MAX layers */
	KEYED_FULL,     /* more elements than the set may have */
	KEYED_OVERLAP,  /* of a map: with another key */
	KEYED_MISSING,  /* there is no such element */
};

/* For all tables that are made later: the key of the hash, and how to yield the processor. */
void keyed_setup(const struct sipkey *key, void (*yield)(void));

/* Of that hash. */
const struct sipkey *keyed_hash_key(void);

/* With space for cap elements. NULL, with the reason in *problem, when it cannot be made. */
struct rs_keyed *keyed_build(const struct keyed_shape *shape, const struct keyed_list *l,
                             uint32_t cap, enum keyed_problem *problem);
void keyed_free(struct rs_keyed *k); /* NULL is fine */

/* The words of an element's key. Returns false when the set has no layer for it. */
bool keyed_key(const struct rs_keyed *k, const struct interval *box, uint32_t *key);

#endif
