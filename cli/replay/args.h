/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of finwall replay, parsed and checked as far as possible without reading a file.
 */
#ifndef FINWALL_CLI_REPLAY_ARGS_H
#define FINWALL_CLI_REPLAY_ARGS_H

#include "cmd/cmd.h"
#include "replay/replay.h"
#include "replay/setting.h"
#include "wire/watch_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_SETTINGS_MAX 64
#define REPLAY_LOCALS_MAX   64

struct replay_args {
	const struct cli_command *cmd; /* for error messages */
	const char *config_path[REPLAY_POLICIES_MAX];
	size_t configs_len;
	struct replay_setting setting[REPLAY_SETTINGS_MAX];
	size_t settings_len;
	struct replay_local local[REPLAY_LOCALS_MAX];
	struct replay_vantage vantage; /* its locals are the ones above */
	bool all_packets;
	struct watch_filter trace_filter; /* with vantage.traces */
	uint64_t diffs_max;               /* packets with different verdicts that are listed */
	bool is_json;
	const char *sweep; /* NULL = none */
	size_t steps_len;
	const char *plot_path; /* NULL = none */
	char **files;          /* borrowed from argv */
	size_t files_len;
};

/*
 * Fills *args from the arguments of the command cmd. Returns CLI_OK, or the exit code after an
 * error message.
 */
enum cli_exit replay_args_parse(struct replay_args *args, const struct cli_command *cmd, int argc,
                                char **argv);

#endif
