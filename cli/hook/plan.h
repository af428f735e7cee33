/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of the hook rules: from a configuration file, or from the running daemon, which is what
 * counts when there is one.
 */
#ifndef FINWALL_CLI_HOOK_PLAN_H
#define FINWALL_CLI_HOOK_PLAN_H

#include "hook/text.h"

#include <jansson.h>

/* A plan, and the settings of the hook block that choose how. */
struct hook_wish {
	struct hook_plan plan;
	enum hook_backend backend;
	uint64_t kernel_hash; /* of the part of the configuration that is the kernel's; 0 = none */
	enum fast_path_mode fast_path;
	uint32_t fast_path_max;
};

/*
 * Reads a configuration file. Returns 0, -EINVAL with *errors set to malloc'd lines, or -ENOMEM
 * with *errors NULL.
 */
int hook_wish_of_file(const char *path, struct hook_wish *out, char **errors);

/* Reads a reply of GetHooks. Returns false if it is malformed. */
bool hook_wish_of_reply(const json_t *reply, struct hook_wish *out);

/* Calls the running daemon. Returns 0; -ENOENT if no daemon answers; -EACCES if this user may not
 * call it; -EPROTO if its reply is an error. */
int hook_wish_of_daemon(const char *socket_path, struct hook_wish *out);

/* The path of the running daemon's configuration file, malloc'd; NULL if no daemon answers. */
char *hook_config_of_daemon(const char *socket_path);

/* True if at least one hook is queued, or the kernel has a part. */
bool hook_wish_any(const struct hook_wish *w);

/* The name of the first difference, NULL if there is none. */
const char *hook_wish_difference(const struct hook_wish *a, const struct hook_wish *b);

#endif
