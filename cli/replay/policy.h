/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy to replay packets with: a configuration file or a built-in configuration, with the
 * settings that the command line changes.
 */
#ifndef FINWALL_CLI_REPLAY_POLICY_H
#define FINWALL_CLI_REPLAY_POLICY_H

#include <finwall/config.h>
#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

/* The built-in policies: strict, remembered, pickup. */
#define REPLAY_BUILTINS_LEN 3

struct replay_policy {
	char name[64]; /* ASCII */
	struct tunables tun;
	struct config *config; /* compiled anew for each replay: rate limits have state */
	uint32_t flows_max;
	uint32_t tombs_max;
};

/*
 * Loads a configuration file, or built-in policy nr. Returns 0, or -errno with *errors set to
 * malloc'd error messages, one per line (NULL when memory runs out). replay_policy_fini() after 0.
 */
int replay_policy_load(struct replay_policy *p, const char *path, char **errors);
int replay_policy_builtin(struct replay_policy *p, size_t nr, char **errors);
void replay_policy_fini(struct replay_policy *p);

#endif
