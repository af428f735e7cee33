/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list --count: the numbers of connections by protocol and state, which the daemon counts.
 */
#ifndef FINWALL_CLI_LIST_COUNT_H
#define FINWALL_CLI_LIST_COUNT_H

#include "cli.h"

#include <finwall/flow_text.h>

/* Takes ownership of filter. format: text or json. */
enum cli_exit list_count(const struct cli *cli, const struct cli_command *cmd,
                         enum flow_view_kind kind, json_t *filter, const char *format);

#endif
