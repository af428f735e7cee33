/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets and maps as text: see set_text.h.
 */
#include "set_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Adds what an element of a map leads to: " : jump web". */
static void datum_text(const struct set *s, uint32_t nr, char *out, size_t size)
{
	if (s->data == SET_DATA_MARK) {
		snprintf(out, size, " : 0x%08" PRIx32, nr);
	} else if (s->data != SET_DATA_NONE && nr < s->data_len) {
		const char *quote = s->data == SET_DATA_OBJECTS ? "\"" : "";

		snprintf(out, size, " : %s%s%s", quote, s->data_names[nr], quote);
	}
}

void set_line(const struct set *s, enum keyed_times times, struct mono now,
              const struct interval *box, const struct rs_item *item, char out[SET_LINE_SIZE])
{
	size_t size;

	keyed_line(s->type, set_names(s), s->keyed, s->timeout_ms, times, now, box, item, out);
	size = strlen(out);
	datum_text(s, item->nr, out + size, SET_LINE_SIZE - size);
}

/* The colon of "80 : accept", which has a blank before it; NULL = none. */
static const char *find_colon(const char *element)
{
	const char *found = NULL;

	for (const char *at = element; *at != '\0'; at++) {
		if (*at == ':' && at != element && strchr(" \t", at[-1]) != NULL) {
			found = at;
		}
	}
	return found;
}

/* Without blanks at the end. */
static size_t size_without_blanks(const char *text, size_t size)
{
	while (size > 0 && strchr(" \t", text[size - 1]) != NULL) {
		size--;
	}
	return size;
}

static const char *find_name(const struct set *s, const char *text, size_t size, uint32_t *nr)
{
	if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
		text++;
		size -= 2;
	}
	for (uint32_t i = 0; i < s->data_len; i++) {
		if (strlen(s->data_names[i]) == size && memcmp(s->data_names[i], text, size) == 0) {
			*nr = i;
			return s->data_names[i];
		}
	}
	return NULL;
}

/* Reads what an element leads to, behind its colon. Returns 0, or -EINVAL with the problem. */
static int read_datum(const struct set *s, const char *text, uint32_t *nr, char *problem,
                      size_t text_size)
{
	size_t size;
	struct interval mark;
	size_t at;

	text += strspn(text, " \t");
	size = size_without_blanks(text, strlen(text));
	if (s->data == SET_DATA_MARK) {
		if (element_read(&dtype_mark, text, size, &mark, problem, text_size) != NULL) {
			return -EINVAL;
		}
		*nr = (uint32_t)mark.lo.lo;
		return 0;
	}
	if (find_name(s, text, size, nr) != NULL) {
		return 0;
	}
	at = (size_t)snprintf(problem, text_size,
	                      "map %.64s cannot lead to \"%.*s\", expected what its elements in "
	                      "the configuration lead to:",
	                      s->name, size < 64 ? (int)size : 64, text);
	for (size_t i = 0; i < s->data_len && at + 80 < text_size; i++) {
		at += (size_t)snprintf(problem + at, text_size - at, "%s %.70s", i == 0 ? "" : ",",
		                       s->data_names[i]);
	}
	return -EINVAL;
}

int set_read_datum(const struct set *s, const char *element, bool adds, char *key, size_t key_size,
                   uint32_t *nr, char *problem, size_t text_size)
{
	const char *colon = find_colon(element);
	size_t size = size_without_blanks(element, colon != NULL ? (size_t)(colon - element)
	                                                         : strlen(element));

	if (colon == NULL && adds) {
		snprintf(problem, text_size,
		         "\"%.64s\" leads to nothing, expected KEY : VALUE for map %.64s", element,
		         s->name);
		return -EINVAL;
	}
	if (size >= key_size) {
		snprintf(problem, text_size, "\"%.64s\" is too long", element);
		return -EINVAL;
	}
	memcpy(key, element, size);
	key[size] = '\0';
	return colon != NULL ? read_datum(s, colon + 1, nr, problem, text_size) : 0;
}
