/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LISTEN_FDS protocol: LISTEN_FDS descriptors from 3 on, their names in LISTEN_FDNAMES,
 * separated by colons, for the process LISTEN_PID.
 */
#include "kept_fds.h"

#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MAX  4096

struct kept_fds {
	char *names; /* each ends with a NUL */
	size_t len;
	struct {
		const char *name;
		int fd; /* -1 = taken by kept_fds_take() */
	} at[];
};

/* Returns a number from the environment, or -1. */
static long env_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || *text == '\0') {
		return -1;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' ? n : -1;
}

/* Adds fd with the next name of the list, and sets FD_CLOEXEC; skips one that is not open. */
static void add(struct kept_fds *k, int fd, char **names)
{
	const char *name = strsep(names, ":");

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
		k->at[k->len].name = name != NULL ? name : "";
		k->at[k->len++].fd = fd;
	}
}

struct kept_fds *kept_fds_read(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long len = env_number("LISTEN_FDS");
	struct kept_fds *k = NULL;

	if (env_number("LISTEN_PID") == getpid() && len > 0 && len <= FDS_MAX) {
		k = calloc(1, sizeof(*k) + (size_t)len * sizeof(k->at[0]));
	}
	if (k != NULL) {
		char *rest;

		k->names = strdup(names != NULL ? names : "");
		rest = k->names;
		for (int i = 0; i < (int)len; i++) {
			add(k, FIRST_FD + i, &rest);
		}
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return k;
}

int kept_fds_take(struct kept_fds *k, const char *name)
{
	for (size_t i = 0; k != NULL && i < k->len; i++) {
		int fd = k->at[i].fd;

		if (fd >= 0 && strcmp(k->at[i].name, name) == 0) {
			k->at[i].fd = -1;
			return fd;
		}
	}
	return -1;
}

void kept_fds_free(struct kept_fds *k)
{
	if (k == NULL) {
		return;
	}
	for (size_t i = 0; i < k->len; i++) {
		if (k->at[i].fd >= 0) {
			notify_remove_fd(k->at[i].name);
			(void)close(k->at[i].fd);
		}
	}
	free(k->names);
	free(k);
}
