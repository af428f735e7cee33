/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values: elements to intervals, and back to canonical text. The types are in dtype.c. value_each()
 * walks a list, which is at most VALUE_DEPTH_MAX deep: the parser ensures it.
 */
#include "value.h"
#include "suggest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sets/keyed_text.h"
#include "text/addr.h"

#define IFNAME_SIZE 16 /* with the NUL, as in the kernel */

struct value *value_new(struct config *c, struct loc loc, enum value_kind kind)
{
	struct value *v = arena_alloc(&c->arena, sizeof(*v));

	v->loc = loc;
	v->kind = (uint8_t)kind;
	return v;
}

bool value_is_list(const struct value *v)
{
	return v->kind == VALUE_SET || v->kind == VALUE_COMMAS || v->kind == VALUE_BITS;
}

const struct value *value_only(const struct value *v)
{
	while (v->kind == VALUE_SET && v->list.first->next == NULL) {
		v = v->list.first;
	}
	return v;
}

static const char *problem_text(char *problem, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static const char *problem_text(char *problem, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(problem, size, fmt, args);
	va_end(args);
	return problem;
}

static uint64_t type_max(const struct dtype *type)
{
	return u128_max(type->bits).lo;
}

static const char *interval_of_number(const struct dtype *type, const struct value *v,
                                      struct interval *out, char *problem, size_t size)
{
	bool is_no_bits = type->is_bitmask && v->number == 0;
	uint64_t ms;

	if (type == &dtype_fib_oif && v->number != 0) {
		return problem_text(problem, size,
		                    "%" PRIu64 " is the index of an interface, expected %s",
		                    v->number, type->want);
	}

	if (type == &dtype_duration) {
		/* a number without a unit is one of seconds */
		ms = v->is_time ? v->number : v->number * 1000;
		if (v->number > UINT32_MAX || ms > UINT32_MAX) {
			return problem_text(problem, size, "too long, expected at most 49 days");
		}
		out->lo = out->hi = (struct u128){ 0, ms };
		return NULL;
	}
	if (v->is_time) {
		return problem_text(problem, size, "a time is not valid here, expected %s",
		                    type->want);
	}
	if (!is_no_bits && (!type->takes_numbers || v->number > type_max(type))) {
		return problem_text(problem, size, "%" PRIu64 " %s, expected %s", v->number,
		                    type->takes_numbers ? "is out of range" : "is not valid here",
		                    type->want);
	}
	out->lo = out->hi = (struct u128){ 0, v->number };
	return NULL;
}

/*
 * The system's files can change until the rules are compiled, so the number of the check holds.
 * What it was looked up for is kept beside it, as one value can stand for both a service and a
 * protocol.
 */
static void remember_number(const struct dtype *type, const struct value *v, uint32_t number)
{
	struct value *known = (struct value *)(uintptr_t)v;

	if (type->names != NAMES_NONE) {
		known->number_in_file = number;
		known->file = type->names;
	}
}

static const char *interval_of_word(const struct dtype *type, const struct value *v,
                                    struct interval *out, char *problem, size_t size)
{
	struct suggest similar = { .text = v->text };
	const char *meant;
	uint32_t number;

	if (v->file != NAMES_NONE && v->file == type->names) {
		number = v->number_in_file;
	} else if (dtype_word(type, v->text, strlen(v->text), &number)) {
		remember_number(type, v, number);
	} else {
		suggest_symbols(&similar, type->symbols);
		meant = suggest_meant(&similar);
		if (type == &dtype_ip4 || type == &dtype_ip6) {
			return problem_text(problem, size,
			                    "unknown word \"%.64s\", expected %s; names of hosts "
			                    "are not looked up",
			                    v->text, type->want);
		}
		return problem_text(problem, size, "unknown word \"%.64s\", expected %s%s%s%s",
		                    v->text, type->want, meant != NULL ? "; did you mean " : "",
		                    meant != NULL ? meant : "", meant != NULL ? "?" : "");
	}
	out->lo = out->hi = (struct u128){ 0, number };
	return NULL;
}

static const char *interval_of_addr(const struct dtype *type, const struct value *v,
                                    struct interval *out, char *problem, size_t size)
{
	const uint8_t *b = v->addr.bytes;

	if (type != (v->family == 4 ? &dtype_ip4 : &dtype_ip6)) {
		return problem_text(problem, size,
		                    "an IPv%u address is not valid here, expected %s%s", v->family,
		                    type->want,
		                    type == &dtype_ip4   ? "; write ip6 for IPv6"
		                    : type == &dtype_ip6 ? "; write ip for IPv4"
		                                         : "");
	}
	*out = interval_of_prefix(v->family == 4 ? u128_from_ip4(b) : u128_from_ip6(b),
	                          addr_bits(v->family), v->prefix_len);
	return NULL;
}

static const char *interval_of_range(const struct dtype *type, const struct value *v,
                                     struct interval *out, char *problem, size_t size)
{
	struct interval lo;
	struct interval hi;
	const char *wrong = value_interval(type, v->range.lo, &lo, problem, size);

	if (wrong == NULL) {
		wrong = value_interval(type, v->range.hi, &hi, problem, size);
	}
	if (wrong != NULL) {
		return wrong;
	}
	if (type->is_bitmask || (type->symbols != NULL && !type->takes_numbers)) {
		return problem_text(problem, size, "a range is not valid here, expected %s",
		                    type->want);
	}
	if (u128_cmp(lo.lo, lo.hi) != 0 || u128_cmp(hi.lo, hi.hi) != 0) {
		return problem_text(problem, size, "a range of ranges, expected two single values");
	}
	if (u128_cmp(lo.lo, hi.lo) > 0) {
		return problem_text(problem, size,
		                    "the range is reversed, expected the smaller value first");
	}
	/* times are moments at which a second begins, and packets arrive within one */
	if (type == &dtype_time && u128_cmp(lo.lo, hi.lo) < 0) {
		hi.lo = u128_dec(hi.lo);
	}
	*out = (struct interval){ lo.lo, hi.lo };
	return NULL;
}

static const char *interval_of_bits(const struct dtype *type, const struct value *v,
                                    struct interval *out, char *problem, size_t size)
{
	uint64_t bits = 0;

	if (!type->is_bitmask) {
		return problem_text(problem, size, "\"|\" is not valid here, expected %s",
		                    type->want);
	}
	for (const struct value *e = v->list.first; e != NULL; e = e->next) {
		const char *wrong = value_interval(type, e, out, problem, size);

		if (wrong != NULL) {
			return wrong;
		}
		bits |= out->lo.lo;
	}
	out->lo = out->hi = (struct u128){ 0, bits };
	return NULL;
}

const char *value_interval(const struct dtype *type, const struct value *v, struct interval *out,
                           char *problem, size_t size)
{
	switch ((enum value_kind)v->kind) {
	case VALUE_NUMBER:
		return interval_of_number(type, v, out, problem, size);
	case VALUE_WORD:
	case VALUE_STRING:
		return interval_of_word(type, v, out, problem, size);
	case VALUE_ADDR:
		return interval_of_addr(type, v, out, problem, size);
	case VALUE_RANGE:
		return interval_of_range(type, v, out, problem, size);
	case VALUE_BITS:
	case VALUE_COMMAS:
		return interval_of_bits(type, v, out, problem, size);
	case VALUE_TUPLE:
		return problem_text(problem, size, "a concatenation is not valid here, expected %s",
		                    type->want);
	case VALUE_SET:
	case VALUE_NAME:
		break;
	}
	return problem_text(problem, size, "a set is not valid here, expected %s", type->want);
}

struct interval value_checked(const struct dtype *type, const struct value *v)
{
	struct interval i = { { 0, 0 }, { 0, 0 } };
	char problem[8];

	(void)value_interval(type, v, &i, problem, sizeof(problem));
	return i;
}

uint32_t value_number(const struct dtype *type, const struct value *v)
{
	return (uint32_t)value_checked(type, v).lo.lo;
}

const char *value_ifname(const struct value *v, char *problem, size_t size)
{
	const char *star;

	if (v->kind != VALUE_WORD && v->kind != VALUE_STRING) {
		return problem_text(problem, size, "not an interface name, expected %s",
		                    dtype_ifname.want);
	}
	star = strchr(v->text, '*');
	if (v->text[0] == '\0' || strlen(v->text) >= IFNAME_SIZE ||
	    (star != NULL && star[1] != '\0')) {
		return problem_text(problem, size,
		                    "\"%.64s\" is not an interface name, expected 1 to 15 "
		                    "characters, \"*\" only at the end",
		                    v->text);
	}
	return NULL;
}

bool value_each(const struct value *v, bool (*fn)(void *ctx, const struct value *element),
                void *ctx)
{
	if (v->kind != VALUE_SET && v->kind != VALUE_COMMAS) {
		return fn(ctx, v);
	}
	for (const struct value *e = v->list.first; e != NULL; e = e->next) {
		if (!value_each(e, fn, ctx)) {
			return false;
		}
	}
	return true;
}

void string_print(struct text *t, const char *text)
{
	text_add(t, "\"%s\"", text);
}

/* Of some types nft quotes the words. */
static bool word_is_quoted(const struct dtype *type)
{
	return type == &dtype_day || type == &dtype_link_group;
}

static void number_print(struct text *t, const struct dtype *type, uint64_t number, const char *sep)
{
	char time_text[TIME_TEXT_SIZE];
	const char *word = type->prints_symbols ? symbol_word(type->symbols, number) : NULL;
	const char *between = "";

	if (type == &dtype_duration) {
		char text[DURATION_TEXT_SIZE];

		duration_text(number, text);
		text_add(t, "%s", text);
	} else if (type->names == NAMES_TIME || type->names == NAMES_HOUR) {
		dtype_time_text(type, (uint32_t)number, time_text);
		text_add(t, "%s", time_text);
	} else if (word != NULL) {
		text_add(t, word_is_quoted(type) ? "\"%s\"" : "%s", word);
	} else if (type->is_bitmask && number != 0 && type->prints_symbols) {
		for (unsigned bit = 0; bit < 32; bit++) {
			if ((number >> bit & 1) != 0) {
				text_add(t, "%s", between);
				number_print(t, type, UINT64_C(1) << bit, sep);
				between = sep;
			}
		}
	} else if (type->prints_hex) {
		text_add(t, "0x%0*" PRIx64,
		         type->bits == 32   ? 8
		         : type->bits == 16 ? 4
		         : type->bits == 6  ? 2
		                            : 1,
		         number);
	} else {
		text_add(t, "%" PRIu64, number);
	}
}

static void addr_print(struct text *t, const struct dtype *type, const struct value *v)
{
	char buf[ADDR_TEXT_SIZE];
	struct interval i = value_checked(type, v);

	ip_text_u128(v->family, i.lo, buf);
	text_add(t, "%s", buf);
	if (v->prefix_len != (v->family == 4 ? 32 : 128)) {
		text_add(t, "/%u", v->prefix_len);
	}
}

/* Prints the elements of a list and of the lists in it. */
static void elements_print(struct text *t, const struct dtype *type, const struct value *v,
                           const char **between, const char *sep)
{
	for (const struct value *e = v->list.first; e != NULL; e = e->next) {
		if (e->kind == VALUE_SET || e->kind == VALUE_COMMAS) {
			elements_print(t, type, e, between, sep);
			continue;
		}
		text_add(t, "%s", *between);
		value_print(t, type, e);
		*between = sep;
	}
}

void value_print(struct text *t, const struct dtype *type, const struct value *v)
{
	const char *between = "";
	unsigned part = 0;

	switch ((enum value_kind)v->kind) {
	case VALUE_NUMBER:
	case VALUE_WORD:
	case VALUE_STRING:
	case VALUE_BITS:
		if (type == &dtype_ifname) {
			string_print(t, v->text);
		} else if (type == &dtype_fib_oif && v->kind == VALUE_NUMBER) {
			text_add(t, "%" PRIu64, v->number);
		} else {
			number_print(t, type, value_checked(type, v).lo.lo, "|");
		}
		break;
	case VALUE_ADDR:
		addr_print(t, type, v);
		break;
	case VALUE_RANGE:
		value_print(t, type, v->range.lo);
		/* words may contain "-" */
		text_add(t, "%s", type->prints_symbols ? " - " : "-");
		value_print(t, type, v->range.hi);
		break;
	case VALUE_COMMAS:
		elements_print(t, type, v, &between, ",");
		break;
	case VALUE_SET:
		text_add(t, "{ ");
		elements_print(t, type, v, &between, ", ");
		text_add(t, " }");
		break;
	case VALUE_NAME:
		text_add(t, "@%s", v->text);
		break;
	case VALUE_TUPLE:
		for (const struct value *e = v->list.first; e != NULL; e = e->next, part++) {
			text_add(t, "%s", between);
			value_print(t, type->parts[part], e);
			between = " . ";
		}
		break;
	}
}

void value_print_bits(struct text *t, const struct dtype *type, const struct value *v)
{
	uint32_t bits;
	bool has_many;

	if (!type->is_bitmask) {
		value_print(t, type, v);
		return;
	}
	bits = value_number(type, v);
	has_many = type->prints_symbols && (bits & (bits - 1)) != 0;

	text_add(t, "%s", has_many ? "(" : "");
	number_print(t, type, bits, " | ");
	text_add(t, "%s", has_many ? ")" : "");
}
