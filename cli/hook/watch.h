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
	/*
	 * Installs those of the last time, with is_stalled. Returns false on failure, or if there
	 * is no last time.
	 */
	bool (*set_stalled)(void *ctx, bool is_stalled);
	void *ctx;
};

/* How the watch ends. */
enum hook_watch_end {
	WATCH_END_REMOVE, /* SIGTERM, SIGINT: the hook rules are to be removed */
	WATCH_END_KEEP,   /* SIGUSR1, also before a SIGTERM: they stay for the next watch */
};

/* Handles these signals from here on. */
void hook_watch_begin(void);

/* Notifies the service manager that it is ready, and runs until one of these signals. */
enum hook_watch_end hook_watch_run(const struct hook_watch_params *params);

#endif
