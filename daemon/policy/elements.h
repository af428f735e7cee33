/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets in bulk: read from text without a tree node each, gathered in blocks, sorted.
 * Types of text (ifname) have no intervals and nothing to do here.
 */
#ifndef FINWALL_POLICY_ELEMENTS_H
#define FINWALL_POLICY_ELEMENTS_H

#include "value.h"

#define ELEMENTS_BLOCK_LEN 1024

struct elements_block {
	struct elements_block *next;
	struct interval at[ELEMENTS_BLOCK_LEN];
};

/* A growing list in an arena; nothing moves. Zeroed at its beginning. */
struct elements {
	struct elements_block *first;
	struct elements_block *last;
	uint32_t len;
};

/* At most VALUE_LEN_MAX of them, which the caller sees to. */
void elements_add(struct arena *a, struct elements *e, const struct interval *i);

/* A copy in another arena. */
struct elements elements_keep(struct arena *a, const struct elements *e);

/* Copies e->len elements to out. */
void elements_copy(const struct elements *e, struct interval *out);

/* Sorts by lower end. spare: room for as many. */
void intervals_sort(struct interval *i, size_t len, struct interval *spare);

/* What becomes one. */
enum join {
	JOIN_OVERLAPPING,
	JOIN_TOUCHING, /* these too */
};

/* Joins sorted intervals in place and returns how many are left. */
size_t intervals_join(struct interval *i, size_t len, enum join what);

/*
 * Reads an address, prefix, number or range in text[0..size) as an element of the type. Returns
 * where it ends, or NULL for anything else, right or wrong.
 */
const char *element_scan(const struct dtype *type, const char *text, size_t size,
                         struct interval *out);

/* Reads the whole text as one element; words too. Returns NULL, or what is wrong, in problem. */
const char *element_read(const struct dtype *type, const char *text, size_t size,
                         struct interval *out, char *problem, size_t problem_size);

/* Adds the canonical text of an element: a word, a number, an address, a prefix or a range. */
void element_print(struct text *t, const struct dtype *type, const struct interval *i);

/* The same into a buffer, for one. */
#define ELEMENT_TEXT_SIZE 96
void element_text(const struct dtype *type, const struct interval *i, char out[ELEMENT_TEXT_SIZE]);

#endif
