/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rights of the process: its user, its capabilities, its system calls.
 *
 * For the start only, while the process has one thread: capabilities and the filter belong to
 * threads, and later threads inherit them.
 */
#ifndef FINWALL_IO_PRIVILEGES_H
#define FINWALL_IO_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

struct run_user {
	uid_t uid;
	gid_t gid;
};

/* Looks up a user of the system. Returns false when there is none of that name, or it is root. */
bool privileges_find_user(const char *name, struct run_user *out);

/*
 * Becomes the user, with root's group as a supplementary one (the kernel's queue counters are in a
 * file that only root's group may read), and keeps the capabilities. Returns 0/-errno.
 */
int privileges_become(const struct run_user *u);

/*
 * Gives up all capabilities but CAP_NET_ADMIN and CAP_NET_RAW, for good: also for programs that it
 * executes (no_new_privs). Returns 0/-errno.
 */
int privileges_keep_network(void);

#endif
