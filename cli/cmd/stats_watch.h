/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall stats --watch: the counters that change, with their rates, until a signal.
 */
#ifndef FINWALL_CLI_STATS_WATCH_H
#define FINWALL_CLI_STATS_WATCH_H

#include "cli.h"

#include <stdbool.h>

#define STATS_WATCH_SEC_DEFAULT 2
#define STATS_WATCH_SEC_MAX     3600

/*
 * Every so many seconds prints the counters that have changed since the last time: on a terminal
 * the fastest ones, as many as fit. Returns CLI_OK after SIGINT or SIGTERM, else an error.
 */
enum cli_exit stats_watch(const struct cli *cli, const struct cli_command *cmd, unsigned sec,
                          bool only_late_close);

#endif
