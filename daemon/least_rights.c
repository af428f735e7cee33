/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up rights. See least_rights.h.
 *
 * A child process becomes the user first and tries the files: whether a reload will be able to read
 * the configuration shows at the start, not at the reload.
 */
#include "least_rights.h"

#include "io/file.h"
#include "io/isolate.h"
#include "io/log.h"
#include "io/seccomp.h"

#include <finwall/config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The trial reads the configuration once more. */
#define TRIAL_TIME_S     120
#define TRIAL_SIZE_BYTES ((size_t)4 << 30)

struct trial {
	const struct run_user *user;
	const struct least_rights_files *files;
};

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		return strdup(".");
	}
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Makes the directory of a file for the user; one that existed belongs to the administrator.
 * Returns its name, malloc'd, or NULL if none was made. */
static char *make_directory(const char *path, mode_t mode, const struct run_user *u)
{
	char *dir = path == NULL ? NULL : directory_of(path);

	if (dir == NULL || mkdir(dir, mode) != 0 || chown(dir, u->uid, u->gid) != 0) {
		free(dir);
		return NULL;
	}
	return dir;
}

/* The daemon stays root: it has to write to the directory without root's capabilities. */
static void give_back(char *made, bool leaves_root)
{
	if (made != NULL && !leaves_root && chown(made, 0, 0) != 0) {
		(void)rmdir(made);
	}
	free(made);
}

/* Returns the first file, directory or error that prevents the use, malloc'd, or NULL. */
static char *unusable(const struct least_rights_files *files)
{
	const char *paths[] = { files->socket, files->state };
	struct config *c;
	char *errors;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char *dir = paths[i] == NULL ? NULL : directory_of(paths[i]);

		if (dir != NULL && access(dir, W_OK | X_OK) != 0) {
			return dir;
		}
		free(dir);
	}
	if (files->state != NULL && access(files->state, R_OK | W_OK) != 0 && errno != ENOENT) {
		return strdup(files->state);
	}
	c = config_load(files->config, &file_reader, &errors);
	if (c == NULL) {
		return errors != NULL ? errors : strdup(files->config);
	}
	config_free(c);
	return NULL;
}

static int try_in_child(void *ctx, char **text)
{
	const struct trial *t = ctx;

	if (privileges_become(t->user) != 0) {
		*text = strdup("cannot become that user");
		return 1;
	}
	/* Without the capabilities that override permissions. */
	if (privileges_keep_network() != 0) {
		return 1;
	}
	*text = unusable(t->files);
	return *text != NULL;
}

/* True when the user can use all files; otherwise logs why not. */
static bool can_run(const struct run_user *u, const struct least_rights_files *files,
                    struct log *log)
{
	const struct isolate_limits limits = { TRIAL_TIME_S, TRIAL_SIZE_BYTES };
	struct trial trial = { u, files };
	struct isolate_result result;
	int err = isolate_run(try_in_child, &trial, &limits, &result);

	if (err != 0) {
		log_write(log, LOG_LEVEL_WARNING, "stays root: cannot start a process: %s",
		          strerror(-err));
		return false;
	}
	if (result.status != 0) {
		result.text[strcspn(result.text, "\n")] = '\0';
		log_write(log, LOG_LEVEL_NOTICE,
		          "stays root, without its capabilities: user %s cannot use %s",
		          FINWALL_USER, result.text[0] != '\0' ? result.text : files->config);
	}
	free(result.text);
	return result.status == 0;
}

struct least_rights least_rights_choose(const struct least_rights_files *files, struct log *log)
{
	struct least_rights r = { .leaves_root = false };
	char *run;
	char *state;

	if (geteuid() != 0 || !privileges_find_user(FINWALL_USER, &r.user)) {
		return r;
	}
	run = make_directory(files->socket, 0755, &r.user);
	state = make_directory(files->state, 0700, &r.user);
	r.leaves_root = can_run(&r.user, files, log);
	give_back(run, r.leaves_root);
	give_back(state, r.leaves_root);
	return r;
}

int least_rights_take(const struct least_rights *r, struct log *log)
{
	int err = r->leaves_root ? privileges_become(&r->user) : 0;

	if (err == 0) {
		err = privileges_keep_network();
	}
	if (err != 0) {
		log_write(log, LOG_LEVEL_ERROR, "cannot give up the rights of root: %s",
		          strerror(-err));
		return err;
	}
	err = seccomp_restrict();
	if (err != 0) {
		/* A kernel without seccomp, or an architecture without a list. */
		log_write(log, LOG_LEVEL_WARNING, "no system call filter: %s", strerror(-err));
	}
	return 0;
}
