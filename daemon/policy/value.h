/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data types of the language: from words and numbers to intervals of values, and back to text.
 * Knows nothing of rules.
 */
#ifndef FINWALL_POLICY_VALUE_H
#define FINWALL_POLICY_VALUE_H

#include "tree.h"

#include <finwall/u128.h>

struct symbol {
	const char *word;
	uint32_t value;
};

struct dtype {
	const char *name; /* as `type` in a set has it */
	const char *want; /* "a port (0-65535) or a service name": ends an error message */
	const struct symbol *symbols; /* NULL-terminated, or NULL */
	unsigned bits;                /* of the value; 0 = text */
	bool is_bitmask;              /* lists of values are or'ed */
	bool prints_symbols;
	bool takes_numbers;
	bool prints_hex;
};

extern const struct dtype dtype_ifname, dtype_ip4, dtype_ip6, dtype_port, dtype_proto,
	dtype_nfproto, dtype_mark, dtype_length, dtype_ttl, dtype_tcp_flags, dtype_icmp_type,
	dtype_icmp_code, dtype_icmp6_type, dtype_icmp6_code, dtype_ct_state, dtype_ct_dir;

/* The type of that name, or NULL; and all names for an error message. */
const struct dtype *dtype_find(const char *name);
const char *dtype_names(void);

/*
 * Reads one element (no list) as a value of the type. Returns NULL and fills *out, or says what is
 * wrong: a text in problem[0..size).
 */
const char *value_interval(const struct dtype *type, const struct value *v, struct interval *out,
                           char *problem, size_t size);

/* The name pattern of an element of type ifname: a word or string, at most 15 bytes, perhaps "*" at
 * its end. */
const char *value_ifname(const struct value *v, char *problem, size_t size);

/* Calls fn for each element of a value that may be a list; stops when fn returns false. */
bool value_each(const struct value *v, bool (*fn)(void *ctx, const struct value *element),
                void *ctx);

/* Adds the canonical text of a value. */
void value_print(struct text *t, const struct dtype *type, const struct value *v);

/* Likewise for a value of a bitmask type: "(syn | ack)", whether written so or with commas. */
void value_print_bits(struct text *t, const struct dtype *type, const struct value *v);

/* Text in quotes; the language has no escapes, so text that was read has no quote in it. */
void string_print(struct text *t, const char *text);

/* "established" for its bit; NULL when there is no such word. */
const char *symbol_word(const struct symbol *symbols, uint64_t value);

#endif
