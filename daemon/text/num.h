/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in text, as the configuration, the command lines and the converter read them: counts,
 * ports, durations, sizes, percentages. No locale, no sign, no blanks; nothing else may follow.
 * Depends on the C library only.
 */
#ifndef FINWALL_TEXT_NUM_H
#define FINWALL_TEXT_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Scanners: each reads as many digits as there are in [at, end) and returns the place behind them.
 * Returns NULL when there is no digit or the number is above max; *out is then undefined.
 */
const char *scan_decimal(const char *at, const char *end, uint64_t max, uint64_t *out);

/* Hexadecimal digits without the "0x". */
const char *scan_hex(const char *at, const char *end, uint64_t max, uint64_t *out);

/* Decimal, or hexadecimal after "0x" or "0X". */
const char *scan_number(const char *at, const char *end, uint64_t max, uint64_t *out);

/*
 * Readers: the whole text, or the first size bytes of it. Each returns false, and leaves *out as it
 * was, when the text is anything else or the number is out of range.
 */
bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool text_number_n(const char *text, size_t size, uint64_t min, uint64_t max, uint64_t *out);

/* With C's prefixes: 0x10 is 16, 010 is 8. This is what iptables takes. */
bool text_number_c(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* A mark of packets or connections, "16", "0x10" or "0x10/0xff": *mark has only bits of *mask. */
bool text_mark(const char *text, uint32_t *mark, uint32_t *mask);

/* A port, 0 to 65535. */
bool text_port(const char *text, uint16_t *out);

/* A decimal fraction from min to max; unit ("%") may follow, NULL = none. */
bool text_fraction(const char *text, const char *unit, double min, double max, double *out);

enum text_unit {
	TEXT_UNIT_REQUIRED,
	TEXT_UNIT_OPTIONAL, /* a single number without a unit is in the basic unit */
};

/*
 * A duration in seconds: numbers with units, "90s", "1d12h"; units are w, d, h, m and s.
 * Returns -EINVAL when it is none, -ERANGE when it does not fit into 63 bits.
 */
int text_duration(const char *text, size_t size, enum text_unit unit, int64_t *sec);

/* A count with a binary unit: "64K", "8M", "1G". Same errors. */
int text_quantity(const char *text, size_t size, enum text_unit unit, int64_t *out);

/* Microseconds: "50us". Same errors. */
int text_microseconds(const char *text, size_t size, enum text_unit unit, int64_t *us);

/* "1d2h30m4s5ms" in milliseconds. Returns false for anything else, and above DURATION_MAX_MS. */
#define DURATION_MAX_MS (UINT64_C(49710) * 86400000)
bool text_duration_ms(const char *text, size_t size, uint64_t *ms);

#endif
