/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An element of a set as text, and back: an address, prefix, number, word or range. Interface names
 * have no interval and are not read here.
 */
#ifndef FINWALL_SETS_ELEMENT_H
#define FINWALL_SETS_ELEMENT_H

#include "dtype.h"

#include <finwall/u128.h>

/*
 * Reads an address, prefix, number or range at the start of text[0..size) as an element of the
 * type. Returns the place behind it, or NULL for anything else, valid or not.
 */
const char *element_scan(const struct dtype *type, const char *text, size_t size,
                         struct interval *out);

/* Reads the whole text as one element, words too. Returns NULL, or the error text, in problem. */
const char *element_read(const struct dtype *type, const char *text, size_t size,
                         struct interval *out, char *problem, size_t problem_size);

/* The canonical text of an element: a word, a number, an address, a prefix or a range. */
#define ELEMENT_TEXT_SIZE 96
void element_text(const struct dtype *type, const struct interval *i, char out[ELEMENT_TEXT_SIZE]);

#endif
