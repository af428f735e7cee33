/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations from text instead of files, for tests.
 */
#ifndef FINWALL_TESTS_CONFIG_TEXT_H
#define FINWALL_TESTS_CONFIG_TEXT_H

#include <finwall/config.h>

#include <stddef.h>
#include <string.h>

struct config_text {
	const char *text;
};

/* A config_reader's read: every path is the text. */
static inline char *config_text_read(void *ctx, const char *path, size_t *size)
{
	const struct config_text *source = ctx;

	(void)path;
	*size = strlen(source->text);
	return strdup(source->text);
}

/*
 * Parses and checks the text; errors name it `name`. Returns NULL on an error, which is in *errors.
 * The caller frees the configuration and *errors.
 */
static inline struct config *config_text_load(const char *name, const char *text, char **errors)
{
	struct config_text source = { text };
	const struct config_reader reader = { .ctx = &source, .read = config_text_read };

	return config_load(name, &reader, errors);
}

#endif
