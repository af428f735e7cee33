/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rights that the daemon runs with: those that it needs for packets, reloads and saved state,
 * given up before the first packet. Knows which files it uses, not how rights are given up.
 */
#ifndef FINWALL_LEAST_RIGHTS_H
#define FINWALL_LEAST_RIGHTS_H

#include "io/privileges.h"

#include <stdbool.h>

struct log;

/* Files that are used while it runs. */
struct least_rights_files {
	const char *config; /* and what it includes */
	const char *state;  /* NULL = none */
	const char *socket;
};

/* The user that a process of root becomes. */
struct least_rights {
	bool leaves_root;
	struct run_user user;
};

/*
 * Chooses: a process of root becomes the user FINWALL_USER if that user exists and can use all
 * files; otherwise it stays root, which is logged. Makes missing directories of the state file and
 * the socket for the user. Call it while there is one thread.
 */
struct least_rights least_rights_choose(const struct least_rights_files *files, struct log *log);

/*
 * Becomes the user, gives up all capabilities but CAP_NET_ADMIN and CAP_NET_RAW, and installs the
 * system call filter. Call it before the second thread starts. Logs a failure. Returns 0/-errno.
 */
int least_rights_take(const struct least_rights *r, struct log *log);

#endif
