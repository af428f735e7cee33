/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of named sets in the kernel. See set_copy.h.
 *
 * nft may refuse a change that the daemon takes, as the removal of a part of an interval. The copy
 * then gets all elements anew, in one transaction.
 */
#include "hook/set_copy.h"

#include "client.h"
#include "run.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL_TIMEOUT_MS 30000

/* A set with a copy. */
struct copy {
	char table[300]; /* "family name" */
	char set[256];
};

static const char *const nft_load[] = { "nft", "-f", "-", NULL };

/* Returns false if nft refuses the text; *error is then its message, malloc'd. */
static bool load(const char *text, char **error)
{
	struct run_result result;
	int rc = run_program(nft_load, text, TOOL_TIMEOUT_MS, &result);
	bool is_done;

	if (rc != 0) {
		*error = strdup(strerror(-rc));
		return false;
	}
	is_done = result.exit_status == 0;
	*error = is_done ? NULL : strdup(result.err);
	run_result_fini(&result);
	return is_done;
}

static void warn(const struct copy *c, const char *error)
{
	fprintf(stderr, "finwall: the kernel's copy of set %s in table %s is not changed: %s\n",
	        c->set, c->table, error != NULL ? error : "out of memory");
}

/* True if the kernel has the set: the kernel's part may not be loaded. Prints a warning to a user
 * who may not look. */
static bool is_there(const struct copy *c)
{
	char command[700];
	const char *const list[] = { "nft", "-t", command, NULL };
	struct run_result result;
	bool is_found;

	snprintf(command, sizeof(command), "list set %s %s", c->table, c->set);
	if (run_program(list, NULL, TOOL_TIMEOUT_MS, &result) != 0) {
		return false;
	}
	is_found = result.exit_status == 0;
	if (strstr(result.err, strerror(EPERM)) != NULL) {
		warn(c, "run as root");
	}
	run_result_fini(&result);
	return is_found;
}

/* Calls a method; passes the parameters of each reply. Prints nothing. */
static bool call(const char *socket_path, const char *method, json_t *parameters,
                 enum ctl_more more, void (*each)(void *ctx, const json_t *parameters), void *ctx)
{
	struct client *c = client_open(socket_path);
	struct ctl_reply reply;
	bool is_good;
	bool goes_on;

	if (c == NULL) {
		json_decref(parameters);
		return false;
	}
	is_good = goes_on = client_call(c, method, parameters, more) == 0;
	while (goes_on) {
		is_good = goes_on = client_reply(c, &reply) == 0;
		if (goes_on) {
			is_good = reply.error == NULL;
			goes_on = is_good && reply.continues;
			if (is_good) {
				each(ctx, reply.parameters);
			}
			ctl_reply_fini(&reply);
		}
	}
	client_close(c);
	return is_good;
}

/* All elements that come, as text for nft. */
struct elements {
	FILE *to;
	const struct copy *copy;
	bool has_any;
};

static void write_elements(void *ctx, const json_t *parameters)
{
	struct elements *e = ctx;
	const json_t *element;
	size_t i;

	json_array_foreach(json_object_get(parameters, "elements"), i, element)
	{
		if (e->has_any) {
			fputs(",\n", e->to);
		} else {
			fprintf(e->to, "add element %s %s {\n", e->copy->table, e->copy->set);
		}
		fputs(json_string_value(element), e->to);
		e->has_any = true;
	}
}

/* Gives the copy all elements of the set. */
static void refresh(const char *socket_path, const struct copy *c)
{
	struct elements e = { .copy = c };
	char *text = NULL;
	char *error = NULL;
	size_t size;
	bool is_good;

	e.to = open_memstream(&text, &size);
	if (e.to == NULL) {
		return;
	}
	fprintf(e.to, "flush set %s %s\n", c->table, c->set);
	is_good = call(socket_path, "ListElements",
	               json_pack("{s:s, s:s}", "set", c->set, "table", c->table), CTL_CONTINUES,
	               write_elements, &e);
	fputs(e.has_any ? "\n}\n" : "", e.to);
	if (fclose(e.to) == 0 && is_good && !load(text, &error)) {
		warn(c, error);
	}
	free(error);
	free(text);
}

/* Which sets of a list are looked for. */
struct search {
	const char *table; /* NULL: any */
	const char *set;   /* NULL: any */
	bool only_changed;
	struct copy *found;
	size_t len;
};

static void search_sets(void *ctx, const json_t *parameters)
{
	struct search *s = ctx;
	const json_t *sets = json_object_get(parameters, "sets");
	const json_t *set;
	size_t i;

	s->found = calloc(json_array_size(sets) + 1, sizeof(*s->found));
	json_array_foreach(sets, i, set)
	{
		struct copy *c = s->found != NULL ? &s->found[s->len] : NULL;
		const char *table = client_text(set, "table");

		/* the elements that rules add stay where they are */
		if (c == NULL || !json_is_true(json_object_get(set, "in_kernel")) ||
		    (s->set == NULL && json_is_true(json_object_get(set, "dynamic")))) {
			continue;
		}
		snprintf(c->table, sizeof(c->table), "%s %s", client_text(set, "family"), table);
		snprintf(c->set, sizeof(c->set), "%s", client_text(set, "name"));
		if ((s->set == NULL || strcmp(s->set, c->set) == 0) &&
		    (s->table == NULL || strcmp(s->table, c->table) == 0 ||
		     strcmp(s->table, table) == 0) &&
		    (!s->only_changed ||
		     client_number(set, "added") + client_number(set, "deleted") > 0)) {
			s->len++;
		}
	}
}

/* The change as a command of nft, malloc'd. */
static char *command_text(const struct copy *c, const char *verb, const json_t *elements)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	const json_t *element;
	size_t i;

	if (to == NULL) {
		return NULL;
	}
	if (strcmp(verb, "flush") == 0) {
		fprintf(to, "flush set %s %s\n", c->table, c->set);
	} else {
		fprintf(to, "%s element %s %s {", verb, c->table, c->set);
		json_array_foreach(elements, i, element)
		{
			fprintf(to, "%s %s", i == 0 ? "" : ",", json_string_value(element));
		}
		fputs(" }\n", to);
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void set_copy_change(const char *socket_path, const char *table, const char *set, const char *verb,
                     const json_t *elements)
{
	struct search s = { .table = table, .set = set };
	char *error = NULL;
	char *text;

	call(socket_path, "ListSets", NULL, CTL_LAST, search_sets, &s);
	for (size_t i = 0; i < s.len; i++) {
		if (!is_there(&s.found[i])) {
			continue;
		}
		text = command_text(&s.found[i], verb, elements);
		if (text != NULL && !load(text, &error)) {
			refresh(socket_path, &s.found[i]);
		}
		free(text);
		free(error);
		error = NULL;
	}
	free(s.found);
}

void set_copies_refresh(const char *socket_path, enum set_copies which)
{
	struct search s = { .only_changed = which == SET_COPIES_CHANGED };

	call(socket_path, "ListSets", NULL, CTL_LAST, search_sets, &s);
	for (size_t i = 0; i < s.len; i++) {
		if (is_there(&s.found[i])) {
			refresh(socket_path, &s.found[i]);
		}
	}
	free(s.found);
}
