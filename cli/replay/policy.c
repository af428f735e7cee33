/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies for lanes. The built-in ones are configuration text like any other, read by the same
 * parser from memory.
 */
#include "replay/policy.h"

#include "io/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400

/* The rules of the article, and nothing else: what is INVALID is dropped. */
#define BUILTIN(memory, late)                                                                      \
	"settings { connections { " memory " } }\n"                                                \
	"table inet finwall {\n"                                                                   \
	"	chain input {\n"                                                                         \
	"		type filter hook input priority filter; policy accept;\n"                               \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain forward {\n"                                                                       \
	"		type filter hook forward priority filter; policy accept;\n"                             \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain output {\n"                                                                        \
	"		type filter hook output priority filter; policy accept;\n"                              \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain late {\n"                                                                          \
	"		type close hook late; policy " late ";\n"                                  \
	"	}\n"                                                                                     \
	"}\n"

/* Only the second has a memory: the first is the kernel, and the third does not need one. */
#define WITH_MEMORY    ""
#define WITHOUT_MEMORY "on-idle forget; resurrect off"

static const struct {
	const char *name;
	const char *text;
} builtins[REPLAY_BUILTINS_LEN] = {
	{ "strict", BUILTIN(WITHOUT_MEMORY, "strict") },
	{ "remembered", BUILTIN(WITH_MEMORY, "remembered") },
	{ "pickup", BUILTIN(WITHOUT_MEMORY, "pickup") },
};

static const struct {
	char letter;
	int64_t sec;
} units[] = {
	{ 'd', DAY },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};

static int load(struct replay_policy *p, const char *path, const struct config_reader *reader,
                char **errors)
{
	const struct settings *s;

	p->config = config_load(path, reader, errors);
	if (p->config == NULL) {
		return *errors != NULL ? -EINVAL : -ENOMEM;
	}
	s = config_settings(p->config);
	p->flows_max = s->connections_max;
	p->tombs_max = s->remember_max;
	p->tun = *config_tunables(p->config);
	return 0;
}

/* Names go into tables, JSON and SVG: plain ASCII fits all three. */
static void set_name(struct replay_policy *p, const char *name)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	for (char *at = p->name; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~') {
			*at = '?';
		}
	}
}

int replay_policy_load(struct replay_policy *p, const char *path, char **errors)
{
	const char *base = strrchr(path, '/');

	memset(p, 0, sizeof(*p));
	*errors = NULL;
	set_name(p, base != NULL ? base + 1 : path);
	return load(p, path, &file_reader, errors);
}

/* A reader whose one file is the text that ctx points to. */
static char *read_text(void *ctx, const char *path, size_t *size)
{
	char *copy = strdup(ctx);

	(void)path;
	*size = copy != NULL ? strlen(copy) : 0;
	return copy;
}

int replay_policy_builtin(struct replay_policy *p, size_t nr, char **errors)
{
	char text[1024];
	const struct config_reader reader = { .ctx = text, .read = read_text };

	memset(p, 0, sizeof(*p));
	*errors = NULL;
	set_name(p, builtins[nr].name);
	snprintf(text, sizeof(text), "%s", builtins[nr].text);
	return load(p, builtins[nr].name, &reader, errors);
}

void replay_policy_fini(struct replay_policy *p)
{
	config_free(p->config);
	p->config = NULL;
}

/* "timeout established" is written "established" or "timeout-established" here. */
static bool name_fits(const struct tunable *row, const char *name, size_t name_size)
{
	static const char prefix[] = "timeout ";
	const size_t prefix_size = sizeof(prefix) - 1;
	size_t full_size = strlen(row->name);

	if (strncmp(row->name, prefix, prefix_size) == 0) {
		const char *rest = row->name + prefix_size;

		if (strlen(rest) == name_size && memcmp(rest, name, name_size) == 0) {
			return true;
		}
	}
	if (full_size != name_size) {
		return false;
	}
	for (size_t i = 0; i < name_size; i++) {
		if (row->name[i] != name[i] && !(row->name[i] == ' ' && name[i] == '-')) {
			return false;
		}
	}
	return true;
}

const struct tunable *replay_tunable(const char *name, size_t name_size)
{
	for (size_t i = 0; i < tunables_table_len; i++) {
		const struct tunable *row = &tunables_table[i];
		size_t block_size = strlen(row->block);

		if (name_size > block_size + 1 && memcmp(name, row->block, block_size) == 0 &&
		    name[block_size] == '.' &&
		    name_fits(row, name + block_size + 1, name_size - block_size - 1)) {
			return row;
		}
	}
	return NULL;
}

char *replay_tunable_name(const struct tunable *row, char *out, size_t out_size)
{
	const char *space = strchr(row->name, ' ');

	snprintf(out, out_size, "%s.%s", row->block, space != NULL ? space + 1 : row->name);
	return out;
}

/* Reads digits, moving *at; false when there are none, or too many. */
static bool read_number(const char **at, const char *end, int64_t *number)
{
	const char *start = *at;

	*number = 0;
	while (*at < end && **at >= '0' && **at <= '9') {
		if (*number > INT64_MAX / 100) {
			return false;
		}
		*number = *number * 10 + (**at - '0');
		(*at)++;
	}
	return *at > start;
}

static int64_t unit_of(char letter)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].letter == letter) {
			return units[i].sec;
		}
	}
	return 0;
}

/* Numbers with a unit each; a single bare one is seconds. */
static int parse_duration(const char *at, const char *end, int64_t *sec)
{
	int64_t sum = 0;
	int64_t number;

	do {
		int64_t unit = 1;

		if (!read_number(&at, end, &number)) {
			return -EINVAL;
		}
		if (at < end) {
			unit = unit_of(*at++);
		} else if (sum != 0) {
			return -EINVAL;
		}
		if (unit == 0) {
			return -EINVAL;
		}
		if (__builtin_mul_overflow(number, unit, &number) ||
		    __builtin_add_overflow(sum, number, &sum)) {
			return -ERANGE;
		}
	} while (at < end);
	*sec = sum;
	return 0;
}

/* The index of a word in a NULL-terminated list. */
static int parse_word(const char *const *words, const char *text, size_t text_size, int64_t *value)
{
	for (int64_t i = 0; words[i] != NULL; i++) {
		if (strlen(words[i]) == text_size && memcmp(words[i], text, text_size) == 0) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

int replay_value_parse(const struct tunable *row, const char *text, size_t text_size,
                       int64_t *value)
{
	static const char *const switch_words[] = { "off", "on", NULL };
	const char *at = text;
	const char *end = text + text_size;
	int err = 0;

	switch (row->kind) {
	case TUNABLE_DURATION:
		err = parse_duration(at, end, value);
		break;
	case TUNABLE_COUNT:
		err = read_number(&at, end, value) && at == end ? 0 : -EINVAL;
		break;
	case TUNABLE_SWITCH:
		err = parse_word(switch_words, text, text_size, value);
		break;
	case TUNABLE_CHOICE:
		err = parse_word(row->choices, text, text_size, value);
		break;
	case TUNABLE_PATH:
	case TUNABLE_CPUS:
	case TUNABLE_MICROSECONDS:
		err = -EINVAL;
		break;
	}
	if (err < 0) {
		return err;
	}
	return *value < row->min || *value > row->max ? -ERANGE : 0;
}

char *replay_duration_text(int64_t sec, char *out, size_t out_size)
{
	size_t used = 0;

	snprintf(out, out_size, "0s");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (sec < units[i].sec || used >= out_size) {
			continue;
		}
		used += (size_t)snprintf(out + used, out_size - used, "%lld%c",
		                         (long long)(sec / units[i].sec), units[i].letter);
		sec %= units[i].sec;
	}
	return out;
}
