/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings on the command line: their names ("tcp.established") and values ("20s").
 */
#ifndef FINWALL_CLI_REPLAY_SETTING_H
#define FINWALL_CLI_REPLAY_SETTING_H

#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

/* A setting and its new value. */
struct replay_setting {
	const struct tunable *row;
	int64_t value; /* in the unit of row->min */
};

/* Finds "tcp.established", "tcp.timeout-established", "tcp.loose" ...; NULL if there is none. */
const struct tunable *setting_find(const char *name, size_t name_size);

/* The row's name in the form that setting_find() takes. Returns out. */
char *setting_name(const struct tunable *row, char *out, size_t out_size);

/*
 * Reads a value of the row's kind: "20s", "2h30m", "on", "3", "remembered". Returns 0, -EINVAL, or
 * -ERANGE.
 */
int setting_parse_value(const struct tunable *row, const char *text, size_t text_size,
                        int64_t *value);

/* A duration as setting_parse_value() takes it: "20s", "2h", "1h30m". Returns out. */
char *setting_duration_text(int64_t sec, char *out, size_t out_size);

#endif
