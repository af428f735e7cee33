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

/* True if the parser accepts the text as a configuration. */
static bool is_valid(char *text)
{
	struct config_reader reader = { .ctx = text, .read = read_copy };
	struct config *c = NULL;
	char *errors = NULL;

	if (text != NULL) {
		c = config_load("name", &reader, &errors);
	}
	free(errors);
	config_free(c);
	return c != NULL;
}

bool convert_name_is_valid(const char *name)
{
	char *text = convert_text("table ip t { chain %s { } }", name);
	const bool is_ok = is_valid(text);

	free(text);
	return is_ok;
}

/* The names that are taken, as an open hash table. */
struct names {
	const char **slot;
	size_t size;
};

/* Returns false if the name was in it already. */
static bool names_add(struct names *n, const char *name)
{
	uint32_t h = 2166136261u;
	size_t at;

	for (const char *c = name; *c != '\0'; c++) {
		h = (h ^ (unsigned char)*c) * 16777619u;
	}
	for (at = h & (n->size - 1); n->slot[at] != NULL; at = (at + 1) & (n->size - 1)) {
		if (strcmp(n->slot[at], name) == 0) {
			return false;
		}
	}
	n->slot[at] = name;
	return true;
}

/* Not isalnum(), which depends on the locale. */
static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char convert_name_char(char c)
{
	return is_letter_or_digit(c) ? c : '_';
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

/* True if the parser accepts all names at once, which is the usual case and fast. */
static bool are_valid(const struct convert_table *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool is_ok;

	if (f == NULL) {
		return false;
	}
	fputs("table ip t {\n", f);
	for (size_t i = 0; i < t->chains_len; i++) {
		fprintf(f, "chain %s { }\n", t->chains[i].new_name);
	}
	fputs("}\n", f);
	fclose(f);
	is_ok = is_valid(text);
	free(text);
	return is_ok;
}

/* Names a chain: the same, or a similar name that is free and, if needed, valid by itself. */
static bool name_chain(struct convert_chain *c, struct names *taken, bool is_checked)
{
	char *plain = plain_name(c->name, "");

	c->new_name = plain_name(c->name, "-.");
	for (unsigned nr = 2; plain != NULL && c->new_name != NULL &&
	                      ((is_checked && !convert_name_is_valid(c->new_name)) ||
	                       !names_add(taken, c->new_name));
	     nr++) {
		free(c->new_name);
		c->new_name = convert_text("%s_%u", plain, nr);
	}
	free(plain);
	return plain != NULL && c->new_name != NULL;
}

static bool name_all(struct convert_table *t, struct names *taken, bool is_checked)
{
	memset(taken->slot, 0, taken->size * sizeof(*taken->slot));
	for (size_t i = 0; i < t->chains_len; i++) {
		struct convert_chain *c = &t->chains[i];

		free(c->new_name);
		if (c->hook < 0) {
			c->new_name = NULL;
			if (!name_chain(c, taken, is_checked)) {
				return false;
			}
			continue;
		}
		/* base chains come first, in lower case, so that no other chain has their names */
		c->new_name = strdup(hook_names[c->hook]);
		if (c->new_name == NULL) {
			return false;
		}
		names_add(taken, c->new_name);
	}
	return true;
}

bool convert_name_chains(struct convert_table *t)
{
	struct names taken = { .size = 64 };
	bool is_ok;

	while (taken.size < 4 * t->chains_len) {
		taken.size *= 2;
	}
	taken.slot = calloc(taken.size, sizeof(*taken.slot));
	if (taken.slot == NULL) {
		return false;
	}
	is_ok = name_all(t, &taken, false);
	if (is_ok && !are_valid(t)) {
		is_ok = name_all(t, &taken, true);
	}
	free(taken.slot);
	return is_ok;
}
