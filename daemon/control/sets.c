/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets: ListSets, ListElements in slices, and changes of all given elements or none.
 *
 * Between two slices the set may change, and a reload may replace the configuration. So the set is
 * looked up by name for each slice, and the list continues after the last element sent.
 */
#include "ban.h"
#include "method.h"

#include "generation.h"
#include "io/clock.h"
#include "io/log.h"
#include "set_changes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct element_list {
	struct ctl_stream stream;
	const struct control_env *env;
	char *set;
	char *table; /* NULL = not given */
	struct named_set_cursor cursor;
};

/* The parameters that all calls about one set have. */
struct set_call {
	const char *set;
	const char *table;
	struct named_set *found;
};

/* True if the kernel has a copy of the set. */
static bool is_in_kernel(const struct config *c, const struct named_set_info *info)
{
	struct config_kernel part;
	char name[512];

	config_kernel(c, &part);
	(void)snprintf(name, sizeof(name), "%s %s %s", info->family, info->table, info->name);
	for (size_t i = 0; i < part.sets_len; i++) {
		if (strcmp(part.sets[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static json_t *set_json(const struct config *c, const struct named_set *s)
{
	struct named_set_info info;

	named_set_info(s, &info);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:b, s:b, s:I, s:I, s:I}",
	                 "family", info.family, "table", info.table, "name", info.name, "type",
	                 info.type, "elements", (json_int_t)info.len, "added",
	                 (json_int_t)info.added, "deleted", (json_int_t)info.deleted, "can_change",
	                 info.can_change, "dynamic", info.is_dynamic, "in_kernel",
	                 is_in_kernel(c, &info), "expired", (json_int_t)info.expired, "refused",
	                 (json_int_t)info.refused, "size", (json_int_t)info.size);
}

void control_list_sets(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const struct config *config = ctl->env.generations->current->config;
	json_t *sets = json_array();

	(void)call;
	for (const struct named_set *s = named_set_next(config, NULL); s != NULL;
	     s = named_set_next(config, s)) {
		json_array_append_new(sets, set_json(config, s));
	}
	ctl_client_reply(c, json_pack("{s:o}", "sets", sets), CTL_LAST);
}

/* Finds the set of a call. Returns false after an error reply. */
static bool find_set(const struct control *ctl, struct ctl_client *c, const struct ctl_call *call,
                     struct set_call *out)
{
	const json_t *table = json_object_get(call->parameters, "table");
	char problem[NAMED_SET_PROBLEM_SIZE];

	out->set = json_string_value(json_object_get(call->parameters, "set"));
	out->table = json_string_value(table);
	if (out->set == NULL) {
		method_invalid_parameter(c, "set");
		return false;
	}
	if (table != NULL && !json_is_null(table) && out->table == NULL) {
		method_invalid_parameter(c, "table");
		return false;
	}
	out->found = named_set_find(ctl->env.generations->current->config, out->table, out->set,
	                            problem);
	if (out->found == NULL) {
		method_refuse(c, CTL_ERROR("NotFound"), problem);
		return false;
	}
	return true;
}

static void add_element(void *ctx, const char *element)
{
	json_array_append_new(ctx, json_string(element));
}

static void elements_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct element_list *l = (struct element_list *)s;
	char problem[NAMED_SET_PROBLEM_SIZE];
	const struct named_set *found =
		named_set_find(l->env->generations->current->config, l->table, l->set, problem);
	json_t *elements = json_array();
	bool has_more;

	if (found == NULL) {
		json_decref(elements);
		method_refuse(c, CTL_ERROR("NotFound"), problem);
		return;
	}
	has_more = named_set_walk(found, clock_now(), &l->cursor, add_element, elements);
	ctl_client_reply(c, json_pack("{s:o}", "elements", elements),
	                 has_more ? CTL_CONTINUES : CTL_LAST);
}

static void elements_free(struct ctl_stream *s)
{
	struct element_list *l = (struct element_list *)s;

	free(l->set);
	free(l->table);
	free(l);
}

void control_list_elements(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct set_call named;
	struct element_list *l;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	if (!find_set(ctl, c, call, &named)) {
		return;
	}
	l = calloc(1, sizeof(*l));
	if (l != NULL) {
		l->stream.next = elements_next;
		l->stream.free = elements_free;
		l->env = &ctl->env;
		l->set = strdup(named.set);
		l->table = named.table != NULL ? strdup(named.table) : NULL;
	}
	if (l == NULL || l->set == NULL || (named.table != NULL && l->table == NULL)) {
		if (l != NULL) {
			elements_free(&l->stream);
		}
		method_out_of_memory(c);
		return;
	}
	ctl_client_stream(c, &l->stream);
}

/* Returns the strings of a non-empty array, borrowed, in a malloc'd one; otherwise NULL. */
static const char **read_elements(const struct ctl_call *call, size_t *len)
{
	const json_t *list = json_object_get(call->parameters, "elements");
	const char **out;
	const json_t *item;
	size_t i;

	*len = json_array_size(list);
	out = *len != 0 ? calloc(*len, sizeof(*out)) : NULL;
	if (out == NULL) {
		return NULL;
	}
	json_array_foreach(list, i, item)
	{
		out[i] = json_string_value(item);
		if (out[i] == NULL) {
			free(out);
			return NULL;
		}
	}
	return out;
}

static void change(struct control *ctl, struct ctl_client *c, const struct ctl_call *call,
                   enum named_set_op op)
{
	static const char *const done[] = {
		[SET_ADD] = "added", [SET_DELETE] = "deleted", [SET_FLUSH] = "flushed"
	};
	char problem[NAMED_SET_PROBLEM_SIZE];
	const char **elements = NULL;
	struct set_call named;
	bool kills;
	bool resets;
	uint64_t changed;
	size_t len = 0;
	int err;

	if (!method_read_flag(call, "kill", &kills) || (kills && op != SET_ADD)) {
		method_invalid_parameter(c, "kill");
		return;
	}
	if (!method_read_flag(call, "reset", &resets) || (resets && !kills)) {
		method_invalid_parameter(c, "reset");
		return;
	}
	if (op != SET_FLUSH) {
		elements = read_elements(call, &len);
		if (elements == NULL) {
			method_invalid_parameter(c, "elements");
			return;
		}
	}
	if (!find_set(ctl, c, call, &named)) {
		free(elements);
		return;
	}
	if (kills && named_set_ends(named.found) == SET_ENDS_NONE) {
		free(elements);
		method_refuse(c, CTL_ERROR("SetUnchanged"),
		              "kill: the elements of the set are neither addresses nor ports");
		return;
	}
	err = set_changes_apply(ctl->env.set_changes, ctl->env.workers, named.found, op, elements,
	                        len, &changed, problem);
	if (err == 0) {
		/* Before any reply: the next packet of each connection meets the changed set. */
		engine_stale_leases(ctl->env.engine);
	}
	if (err == 0 && kills) {
		const struct ban_params ban = {
			.set = named.found,
			.elements = elements,
			.elements_len = len,
			.sends_resets = resets,
			.changed = changed,
		};

		log_write(ctl->env.log, LOG_LEVEL_NOTICE, "set %s: %" PRIu64 " added by command",
		          named.set, changed);
		ban_start(ctl, c, &ban);
		free(elements);
		return;
	}
	free(elements);
	if (err == -ENOMEM) {
		method_out_of_memory(c);
		return;
	}
	if (err != 0) {
		method_refuse(c, CTL_ERROR("SetUnchanged"), problem);
		return;
	}
	log_write(ctl->env.log, LOG_LEVEL_NOTICE, "set %s: %" PRIu64 " %s by command", named.set,
	          changed, done[op]);
	ctl_client_reply(c, json_pack("{s:I}", "changed", (json_int_t)changed), CTL_LAST);
}

void control_add_elements(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	change(ctl, c, call, SET_ADD);
}

void control_delete_elements(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	change(ctl, c, call, SET_DELETE);
}

void control_flush_set(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	change(ctl, c, call, SET_FLUSH);
}
