/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of chains in the configuration language. See whole.h.
 */
#include "iptables/whole.h"

#include <finwall/config.h>

#include <stdlib.h>
#include <string.h>

static const char *const hook_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "input",
	[HOOK_FORWARD] = "forward",
	[HOOK_OUTPUT] = "output",
};

/* A configuration in memory. */
static char *read_copy(void *ctx, const char *path, size_t *size)
{
	char *copy = strdup(ctx);

	(void)path;
	*size = copy != NULL ? strlen(copy) : 0;
	return copy;
}

/* True if the parser accepts the name: keywords are not valid names. */
static bool is_valid_name(const char *name)
{
	struct config_reader reader = { .read = read_copy };
	struct config *c;
	char *errors = NULL;

	reader.ctx = convert_text("table ip t { chain %s { } }", name);
	if (reader.ctx == NULL) {
		return false;
	}
	c = config_load("name", &reader, &errors);
	free(reader.ctx);
	free(errors);
	config_free(c);
	return c != NULL;
}

static bool is_taken(const struct convert_table *t, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(t->chains[i].new_name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Not isalnum(), which depends on the locale. */
static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Replaces all but letters, digits and the characters in kept; begins with a letter. */
static char *plain_name(const char *name, const char *kept)
{
	char *fresh = convert_text("%s%s", *name >= '0' && *name <= '9' ? "c" : "", name);

	for (char *s = fresh; s != NULL && *s != '\0'; s++) {
		if (!is_letter_or_digit(*s) && strchr(kept, *s) == NULL) {
			*s = '_';
		}
	}
	return fresh;
}

/* The same name, or a similar one that is valid and free; NULL if memory runs out. */
static char *chain_name(const struct convert_table *t, size_t at)
{
	char *fresh = plain_name(t->chains[at].name, "-.");
	char *plain = plain_name(t->chains[at].name, "");

	for (unsigned nr = 2; fresh != NULL && (is_taken(t, at, fresh) || !is_valid_name(fresh));
	     nr++) {
		free(fresh);
		fresh = plain != NULL ? convert_text("%s_%u", plain, nr) : NULL;
	}
	free(plain);
	return fresh;
}

/* Base chains first, in lower case, so that no other chain has their names. */
bool convert_name_chains(struct convert_table *t)
{
	for (size_t i = 0; i < t->chains_len; i++) {
		struct convert_chain *c = &t->chains[i];

		free(c->new_name);
		c->new_name = c->hook >= 0 ? strdup(hook_names[c->hook]) : chain_name(t, i);
		if (c->new_name == NULL) {
			return false;
		}
	}
	return true;
}
