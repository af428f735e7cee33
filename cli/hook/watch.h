/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall hook watch: follows the daemon, which watches the hook rules, and installs them again as
 * the setting hook watch demands. The daemon itself may not run nft or iptables.
 */
#ifndef FINWALL_CLI_HOOK_WATCH_H
#define FINWALL_CLI_HOOK_WATCH_H

#include "hook/plan.h"

struct hook_watch_params {
	const char *socket_path;
	/* Installs the hook rules and prints how, or why not. Returns false on failure. */
	bool (*install)(void *ctx, const struct hook_wish *wish);
	void *ctx;
};

/* Handles SIGTERM and SIGINT from here on. */
void hook_watch_begin(void);

/* Notifies the service manager that it is ready, and runs until SIGTERM or SIGINT. */
void hook_watch_run(const struct hook_watch_params *params);

#endif
