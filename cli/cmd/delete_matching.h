/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletion of the connections that match a filter, or a print of them, for finwall delete and
 * flush.
 */
#ifndef FINWALL_CLI_DELETE_MATCHING_H
#define FINWALL_CLI_DELETE_MATCHING_H

#include "cli.h"

#include <jansson.h>

/* What is kept of the connections. */
enum delete_keep {
	KEEP_END,
	KEEP_REMEMBER,
	KEEP_NOTHING,
};

/* Deletes the matches and prints their number. Takes ownership of filter, which is not empty. */
enum cli_exit delete_matching(const struct cli *cli, const struct cli_command *cmd, json_t *filter,
                              enum delete_keep keep);

/* Prints which live and remembered connections would be deleted. An empty filter matches all. */
enum cli_exit delete_matching_dry_run(const struct cli *cli, const struct cli_command *cmd,
                                      json_t *filter, enum delete_keep keep);

#endif
