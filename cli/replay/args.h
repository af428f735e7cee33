/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of finwall replay, understood and checked as far as that goes without a file.
 */
#ifndef FINWALL_CLI_REPLAY_ARGS_H
#define FINWALL_CLI_REPLAY_ARGS_H

#include "cmd/cmd.h"
#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_SETTINGS_MAX 64
#define REPLAY_LOCALS_MAX   64

struct replay_args {
	const char *config_path[REPLAY_LANES_MAX];
	size_t configs_len;
	struct replay_setting setting[REPLAY_SETTINGS_MAX];
	size_t settings_len;
	struct replay_local local[REPLAY_LOCALS_MAX];
	struct replay_place place; /* its locals are the ones above */
	bool all_packets;
	uint64_t diffs_max; /* packets that differ are listed up to this many */
	bool is_json;
	const char *sweep; /* NULL = none */
	size_t steps_len;
	const char *plot_path; /* NULL = none */
	char **files;          /* borrowed from argv */
	size_t files_len;
};

extern const struct cli_command cmd_replay;

/* Fills *args. Returns CLI_OK, or what to end with after having said why. */
enum cli_exit replay_args_parse(struct replay_args *args, int argc, char **argv);

#endif
