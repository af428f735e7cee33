/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands. main.c lists them; each has its own file.
 */
#ifndef FINWALL_CLI_CMD_H
#define FINWALL_CLI_CMD_H

#include "cli.h"

extern const struct cli_command cmd_cluster;
extern const struct cli_command cmd_confirm;
extern const struct cli_command cmd_counter;
extern const struct cli_command cmd_delete;
extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_events;
extern const struct cli_command cmd_explain;
extern const struct cli_command cmd_flush;
extern const struct cli_command cmd_get;
extern const struct cli_command cmd_hook;
extern const struct cli_command cmd_import_conntrack;
extern const struct cli_command cmd_import_iptables;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_quota;
extern const struct cli_command cmd_reload;
extern const struct cli_command cmd_replay;
extern const struct cli_command cmd_set;
extern const struct cli_command cmd_show;
extern const struct cli_command cmd_stats;
extern const struct cli_command cmd_trace;
extern const struct cli_command cmd_top;
extern const struct cli_command cmd_version;
extern const struct cli_command cmd_wait;

#endif
