/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads policies. The built-in ones are configuration text as well, read by the same parser.
 */
#include "replay/policy.h"

#include "io/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Drops INVALID packets and accepts all others. */
#define BUILTIN(settings, late)                                                                    \
	"settings { connections { " settings " } }\n"                                              \
	"table inet finwall {\n"                                                                   \
	"	chain input {\n"                                                                         \
	"		type filter hook input priority filter; policy accept;\n"                               \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain forward {\n"                                                                       \
	"		type filter hook forward priority filter; policy accept;\n"                             \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain output {\n"                                                                        \
	"		type filter hook output priority filter; policy accept;\n"                              \
	"		ct state invalid drop\n"                                                                \
	"	}\n"                                                                                     \
	"	chain late {\n"                                                                          \
	"		type close hook late; policy " late ";\n"                                  \
	"	}\n"                                                                                     \
	"}\n"

/* strict behaves as the kernel does, and pickup needs no remembered connections. */
#define REMEMBER ""
#define FORGET   "on-idle forget; resurrect off"

static const struct {
	const char *name;
	const char *text;
} builtins[REPLAY_BUILTINS_LEN] = {
	{ "strict", BUILTIN(FORGET, "strict") },
	{ "remembered", BUILTIN(REMEMBER, "remembered") },
	{ "pickup", BUILTIN(FORGET, "pickup") },
};

static int load(struct replay_policy *p, const char *path, const struct config_reader *reader,
                char **errors)
{
	const struct settings *s;

	p->config = config_load(path, reader, errors);
	if (p->config == NULL) {
		return *errors != NULL ? -EINVAL : -ENOMEM;
	}
	s = config_settings(p->config);
	p->flows_max = s->connections_max;
	p->tombs_max = s->remember_max;
	p->tun = *config_tunables(p->config);
	return 0;
}

/* Names are printed in tables, JSON and SVG, so they are reduced to ASCII. */
static void set_name(struct replay_policy *p, const char *name)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	for (char *at = p->name; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~') {
			*at = '?';
		}
	}
}

int replay_policy_load(struct replay_policy *p, const char *path, char **errors)
{
	const char *base = strrchr(path, '/');

	memset(p, 0, sizeof(*p));
	*errors = NULL;
	set_name(p, base != NULL ? base + 1 : path);
	return load(p, path, &file_reader, errors);
}

/* A reader whose only file is the text that ctx points to. */
static char *read_text(void *ctx, const char *path, size_t *size)
{
	char *copy = strdup(ctx);

	(void)path;
	*size = copy != NULL ? strlen(copy) : 0;
	return copy;
}

int replay_policy_builtin(struct replay_policy *p, size_t nr, char **errors)
{
	char text[1024];
	const struct config_reader reader = { .ctx = text, .read = read_text };

	memset(p, 0, sizeof(*p));
	*errors = NULL;
	set_name(p, builtins[nr].name);
	snprintf(text, sizeof(text), "%s", builtins[nr].text);
	return load(p, builtins[nr].name, &reader, errors);
}

void replay_policy_fini(struct replay_policy *p)
{
	config_free(p->config);
	p->config = NULL;
}
