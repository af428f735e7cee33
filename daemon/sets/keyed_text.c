/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of tables as text: see keyed_text.h.
 */
#include "keyed_text.h"

#include "text/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* By rs_kit.unit. */
static const char *const units[] = { "second", "minute", "hour", "day", "week" };

void duration_text(uint64_t ms, char out[DURATION_TEXT_SIZE])
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} parts[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" }
	};
	size_t at = 0;

	snprintf(out, DURATION_TEXT_SIZE, "0s");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (ms >= parts[i].ms) {
			at += (size_t)snprintf(out + at, DURATION_TEXT_SIZE - at, "%" PRIu64 "%s",
			                       ms / parts[i].ms, parts[i].unit);
			ms %= parts[i].ms;
		}
	}
}

void kit_limit_text(const struct rs_kit *kit, char out[KIT_TEXT_SIZE])
{
	snprintf(out, KIT_TEXT_SIZE, "limit rate %s%" PRIu32 "/%s burst %" PRIu32 " packets",
	         kit->is_over ? "over " : "", kit->rate, units[kit->unit], kit->burst);
}

void keyed_text(const struct dtype *type, struct name_list names, const struct interval *box,
                char out[KEYED_TEXT_SIZE])
{
	unsigned len = type->parts_len != 0 ? type->parts_len : 1;
	size_t at = 0;

	for (unsigned i = 0; i < len; i++) {
		const struct dtype *part = type->parts_len != 0 ? type->parts[i] : type;
		char text[ELEMENT_TEXT_SIZE];

		if (part == &dtype_ifname) {
			snprintf(text, sizeof(text), "\"%s\"",
			         box[i].lo.lo < names.len ? names.at[box[i].lo.lo] : "");
		} else {
			element_text(part, &box[i], text);
		}
		at += (size_t)snprintf(out + at, KEYED_TEXT_SIZE - at, "%s%s", i > 0 ? " . " : "",
		                       text);
	}
}

/* The time that is left, or of a set that has not started, all of it. */
static uint64_t left_ms(const struct rs_table *t, const struct rs_item *item, struct mono now)
{
	uint64_t now_ns = rs_table_now(t, now);

	return item->deadline_ns > now_ns ? (item->deadline_ns - now_ns) / (uint64_t)NSEC_PER_MSEC
	                                  : 0;
}

void keyed_line(const struct dtype *type, struct name_list names, struct live_keyed *s,
                uint64_t timeout_ms, enum keyed_times times, struct mono now,
                const struct interval *box, const struct rs_item *item, char out[KEYED_LINE_SIZE])
{
	const struct rs_table *t = &rs_keyed_of(&s->set)->table;
	const struct rs_kit *kit = &t->kit[item->kit];
	uint64_t own_ms = item->timeout_ns / (uint64_t)NSEC_PER_MSEC;
	char duration[DURATION_TEXT_SIZE];
	char limit[KIT_TEXT_SIZE];
	size_t at;

	keyed_text(type, names, box, out);
	at = strlen(out);
	if (kit->has_limit) {
		kit_limit_text(kit, limit);
		at += (size_t)snprintf(out + at, KEYED_LINE_SIZE - at, " %s", limit);
	}
	if (kit->has_counter) {
		at += (size_t)snprintf(out + at, KEYED_LINE_SIZE - at,
		                       " counter packets %" PRIu64 " bytes %" PRIu64, item->packets,
		                       item->bytes);
	}
	if (own_ms != timeout_ms) {
		duration_text(own_ms, duration);
		at += (size_t)snprintf(out + at, KEYED_LINE_SIZE - at, " timeout %s", duration);
	}
	if (times == KEYED_TIMES_LEFT && item->deadline_ns != RS_NEVER) {
		duration_text(left_ms(t, item, now), duration);
		snprintf(out + at, KEYED_LINE_SIZE - at, " expires %s", duration);
	}
}

/* reading */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* The end of the part that begins at `at`: before " . ", before an option, or the end. */
static const char *end_of_part(const char *at)
{
	const char *end = at;

	for (; *end != '\0'; end++) {
		if (*end != ' ' && *end != '\t') {
			continue;
		}
		const char *next = skip_blanks(end);

		/* a range of words may have blanks around its "-" */
		if (*next == '.' || *next == '\0' || strncmp(next, "timeout ", 8) == 0 ||
		    strncmp(next, "expires ", 8) == 0 || strncmp(next, "counter ", 8) == 0 ||
		    strncmp(next, "limit ", 6) == 0) {
			return end;
		}
	}
	return end;
}

static const char *read_name(struct name_list names, const char *text, size_t size,
                             struct interval *out, char *problem, size_t text_size)
{
	if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
		text++;
		size -= 2;
	}
	for (size_t i = 0; i < names.len; i++) {
		if (strlen(names.at[i]) == size && memcmp(names.at[i], text, size) == 0) {
			out->lo = out->hi = (struct u128){ 0, i };
			return NULL;
		}
	}
	snprintf(problem, text_size,
	         "the rules have no interface \"%.*s\", expected one that they name",
	         size < 64 ? (int)size : 64, text);
	return problem;
}

/*
 * Options that lists print and that changes by command ignore: the counters and limits of the set
 * hold. Returns the place behind one, or NULL.
 */
static const char *skip_statement(const char *at)
{
	int size = 0;

	(void)sscanf(at, "counter packets %*u bytes %*u%n", &size);
	if (size == 0) {
		(void)sscanf(at, "limit rate over %*u/%*[a-z] burst %*u packets%n", &size);
	}
	if (size == 0) {
		(void)sscanf(at, "limit rate %*u/%*[a-z] burst %*u packets%n", &size);
	}
	return size > 0 ? at + size : NULL;
}

static const char *read_options(const char *at, uint64_t *timeout_ms, uint64_t *expires_ms,
                                char *problem, size_t text_size)
{
	while (*at != '\0') {
		bool is_timeout = strncmp(at, "timeout ", 8) == 0;
		const char *behind = skip_statement(at);
		size_t size;
		uint64_t ms;

		if (behind != NULL) {
			at = skip_blanks(behind);
			continue;
		}
		if (!is_timeout && strncmp(at, "expires ", 8) != 0) {
			snprintf(problem, text_size,
			         "\"%.64s\" behind an element, expected timeout or expires", at);
			return problem;
		}
		at = skip_blanks(at + 8);
		size = strcspn(at, " \t");
		if (!text_duration_ms(at, size, &ms)) {
			snprintf(problem, text_size,
			         "\"%.*s\" is not a time, expected one like 1h30m",
			         size < 64 ? (int)size : 64, at);
			return problem;
		}
		if (is_timeout) {
			*timeout_ms = ms;
			*expires_ms = ms;
		} else {
			*expires_ms = ms != 0 ? ms : 1; /* it is about to expire */
		}
		at = skip_blanks(at + size);
	}
	return NULL;
}

const char *keyed_read(const struct dtype *type, struct name_list names, const char *text,
                       struct interval *box, uint64_t *timeout_ms, uint64_t *expires_ms,
                       char *problem, size_t text_size)
{
	unsigned len = type->parts_len != 0 ? type->parts_len : 1;
	const char *at = skip_blanks(text);

	for (unsigned i = 0; i < len; i++) {
		const struct dtype *part = type->parts_len != 0 ? type->parts[i] : type;
		const char *end = end_of_part(at);
		const char *wrong;

		if (part == &dtype_ifname) {
			wrong = read_name(names, at, (size_t)(end - at), &box[i], problem,
			                  text_size);
		} else {
			wrong = element_read(part, at, (size_t)(end - at), &box[i], problem,
			                     text_size);
		}
		if (wrong != NULL) {
			return wrong;
		}
		at = skip_blanks(end);
		if ((*at == '.') != (i + 1 < len)) {
			snprintf(problem, text_size,
			         "an element of %.200s has %u parts, expected so many joined by \" "
			         ". \"",
			         type->name, len);
			return problem;
		}
		at = *at == '.' ? skip_blanks(at + 1) : at;
	}
	return read_options(at, timeout_ms, expires_ms, problem, text_size);
}
