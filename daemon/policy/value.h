/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as the grammar read them: to intervals of their data type, and back to text. Knows nothing
 * of rules.
 */
#ifndef FINWALL_POLICY_VALUE_H
#define FINWALL_POLICY_VALUE_H

#include "tree.h"

#include "sets/dtype.h"

#include <finwall/u128.h>

/* A new value in the configuration's arena. */
struct value *value_new(struct config *c, struct loc loc, enum value_kind kind);

/* Whether the value is a list: of a set, with commas, or with "|". */
bool value_is_list(const struct value *v);

/* The element of a set of one, which in nft is the same as the element alone; else v. */
const struct value *value_only(const struct value *v);

/*
 * Reads one element (no list) as a value of the type. Returns NULL and fills *out, or
 * returns the error text, in problem[0..size).
 */
const char *value_interval(const struct dtype *type, const struct value *v, struct interval *out,
                           char *problem, size_t size);

/* A value that the checker has accepted, as a number of up to 32 bits: the lowest of its interval.
 */
uint32_t value_number(const struct dtype *type, const struct value *v);

/* Likewise its interval. */
struct interval value_checked(const struct dtype *type, const struct value *v);

/* The name pattern of an element of type ifname: a word or string, at most 15 bytes, perhaps "*" at
 * its end. */
const char *value_ifname(const struct value *v, char *problem, size_t size);

/* Calls fn for each element of a value that may be a list; stops when fn returns false. */
bool value_each(const struct value *v, bool (*fn)(void *ctx, const struct value *element),
                void *ctx);

/* Adds the canonical text of a value. */
void value_print(struct text *t, const struct dtype *type, const struct value *v);

/* Likewise for a value of a bitmask type: "(syn | ack)", written so or with commas. */
void value_print_bits(struct text *t, const struct dtype *type, const struct value *v);

/* Text in quotes; the language has no escapes, so text that was read has no quote in it. */
void string_print(struct text *t, const char *text);

#endif
