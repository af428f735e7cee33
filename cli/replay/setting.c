/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and values of the rows of tunables_table.
 */
#include "replay/setting.h"

#include "text/num.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Units in which durations are printed. */
static const struct {
	char letter;
	int64_t sec;
} units[] = {
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};

/* The row "timeout established" is named "established" or "timeout-established" here. */
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

const struct tunable *setting_find(const char *name, size_t name_size)
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

char *setting_name(const struct tunable *row, char *out, size_t out_size)
{
	const char *space = strchr(row->name, ' ');

	snprintf(out, out_size, "%s.%s", row->block, space != NULL ? space + 1 : row->name);
	return out;
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

int setting_parse_value(const struct tunable *row, const char *text, size_t text_size,
                        int64_t *value)
{
	static const char *const switch_words[] = { "off", "on", NULL };
	uint64_t count = 0;
	int err = -EINVAL;

	switch (row->kind) {
	case TUNABLE_DURATION:
		err = text_duration(text, text_size, TEXT_UNIT_OPTIONAL, value);
		break;
	case TUNABLE_COUNT:
		if (text_number_n(text, text_size, 0, INT64_MAX, &count)) {
			*value = (int64_t)count;
			err = 0;
		}
		break;
	case TUNABLE_SWITCH:
		err = parse_word(switch_words, text, text_size, value);
		break;
	case TUNABLE_CHOICE:
		err = parse_word(row->choices, text, text_size, value);
		break;
	case TUNABLE_PATH:
	case TUNABLE_NAME:
	case TUNABLE_CPUS:
	case TUNABLE_MICROSECONDS:
	case TUNABLE_MILLISECONDS:
	case TUNABLE_SERVERS:
	case TUNABLE_MARK:
		break;
	}
	if (err < 0) {
		return err;
	}
	return *value < row->min || *value > row->max ? -ERANGE : 0;
}

char *setting_duration_text(int64_t sec, char *out, size_t out_size)
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
