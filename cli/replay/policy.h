/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a lane of a replay judges by: a configuration file, or one of the three that are built in,
 * and the settings that the command line changes.
 */
#ifndef FINWALL_CLI_REPLAY_POLICY_H
#define FINWALL_CLI_REPLAY_POLICY_H

#include <finwall/config.h>
#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

/* The built-in ones: strict, remembered, pickup. */
#define REPLAY_BUILTINS_LEN 3

struct replay_policy {
	char name[64];
	struct tunables tun;
	struct config *config; /* each replay compiles its own rules: rate limits have a memory */
	uint32_t flows_max;
	uint32_t tombs_max;
};

/*
 * Loads a configuration file, or the built-in one of that number. Returns 0, or -errno with *errors
 * set to malloc'd lines for people (NULL when memory ran out). replay_policy_fini() after 0.
 */
int replay_policy_load(struct replay_policy *p, const char *path, char **errors);
int replay_policy_builtin(struct replay_policy *p, size_t nr, char **errors);
void replay_policy_fini(struct replay_policy *p);

/* A setting and the value it is to have. */
struct replay_setting {
	const struct tunable *row;
	int64_t value; /* in the unit of row->min */
};

/*
 * Finds "tcp.established", "tcp.timeout-established", "tcp.loose" ...; NULL when there is none.
 */
const struct tunable *replay_tunable(const char *name, size_t name_size);

/* The row's name as replay_tunable() takes it. Returns out. */
char *replay_tunable_name(const struct tunable *row, char *out, size_t out_size);

/*
 * Reads one value of the row's kind: "20s", "2h30m", "5d", "on", "3", "remembered". Returns 0,
 * -EINVAL, or -ERANGE.
 */
int replay_value_parse(const struct tunable *row, const char *text, size_t text_size,
                       int64_t *value);

/* "20s", "2h", "1h30m". Returns out. */
char *replay_duration_text(int64_t sec, char *out, size_t out_size);

#endif
