/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters and quotas with a name: ListObjects and ResetObjects.
 */
#include "method.h"

#include "generation.h"
#include "io/log.h"

#include <inttypes.h>
#include <string.h>

/* A call, and the reply while it is made. */
struct object_call {
	struct generation *g;
	enum config_object_kind kind;
	const char *name;  /* NULL = all */
	const char *table; /* likewise: "NAME" or "FAMILY NAME" */
	bool resets;
	uint64_t len;
	json_t *objects;
};

/* Whether the argument, "NAME", "FAMILY NAME" or NULL for any, names the table. */
static bool is_of_table(const struct config_object *o, const char *table)
{
	size_t size = strlen(o->family);

	return table == NULL || strcmp(table, o->table) == 0 ||
	       (strncmp(table, o->family, size) == 0 && table[size] == ' ' &&
	        strcmp(table + size + 1, o->table) == 0);
}

static void reset(const struct object_call *call, const struct config_object *o)
{
	const struct worker_config *shared = &call->g->shared;

	if (call->kind == CONFIG_QUOTAS) {
		ruleset_quota_reset(shared->policy.rules, o->nr);
		return;
	}
	/* workers write theirs: the one more has what is to be taken off */
	ruleset_counter_negate(shared->counters[call->g->workers_len],
	                       (const struct ruleset_counters *const *)shared->counters,
	                       call->g->workers_len, o->nr);
}

static void add_object(void *ctx, const struct config_object *o)
{
	struct object_call *call = ctx;
	json_t *one;

	if ((call->name != NULL && strcmp(call->name, o->name) != 0) ||
	    !is_of_table(o, call->table)) {
		return;
	}
	one = json_pack("{s:s, s:s, s:s, s:I}", "family", o->family, "table", o->table, "name",
	                o->name, "bytes", (json_int_t)o->bytes);
	if (call->kind == CONFIG_COUNTERS) {
		json_object_set_new(one, "packets", json_integer((json_int_t)o->packets));
	} else {
		json_object_set_new(one, "limit", json_integer((json_int_t)o->limit));
		json_object_set_new(one, "over", json_boolean(o->is_over));
	}
	if (o->comment != NULL) {
		json_object_set_new(one, "comment", ctl_json_text(o->comment));
	}
	json_array_append_new(call->objects, one);
	call->len++;
	if (call->resets) {
		reset(call, o);
	}
}

/* Reads an optional text. Returns false after an error reply. */
static bool read_text(struct ctl_client *c, const struct ctl_call *call, const char *name,
                      const char **out)
{
	const json_t *value = json_object_get(call->parameters, name);

	*out = json_string_value(value);
	if (value != NULL && !json_is_null(value) && *out == NULL) {
		method_invalid_parameter(c, name);
		return false;
	}
	return true;
}

static void run(struct control *ctl, struct ctl_client *c, const struct ctl_call *call, bool resets)
{
	struct object_call o = { .g = ctl->env.generations->current, .resets = resets };
	struct config_object_state state;
	const char *kind;

	if (!read_text(c, call, "kind", &kind) || !read_text(c, call, "name", &o.name) ||
	    !read_text(c, call, "table", &o.table)) {
		return;
	}
	if (kind == NULL || (strcmp(kind, "counter") != 0 && strcmp(kind, "quota") != 0)) {
		method_invalid_parameter(c, "kind");
		return;
	}
	o.kind = strcmp(kind, "counter") == 0 ? CONFIG_COUNTERS : CONFIG_QUOTAS;
	o.objects = json_array();
	state = (struct config_object_state){
		.rules = o.g->shared.policy.rules,
		.ctr = (const struct ruleset_counters *const *)o.g->shared.counters,
		.ctr_len = o.g->workers_len + 1,
	};
	config_each_object(o.g->config, o.kind, &state, add_object, &o);
	if (o.len == 0 && o.name != NULL) {
		char message[256];

		(void)snprintf(message, sizeof(message), "there is no %s %.64s%s%.64s", kind,
		               o.name, o.table != NULL ? " in table " : "",
		               o.table != NULL ? o.table : "");
		json_decref(o.objects);
		method_refuse(c, CTL_ERROR("NotFound"), message);
		return;
	}
	if (resets) {
		log_write(ctl->env.log, LOG_LEVEL_NOTICE, "%s %s: %" PRIu64 " reset by command",
		          kind, o.name != NULL ? o.name : "(all)", o.len);
	}
	ctl_client_reply(c, json_pack("{s:o}", "objects", o.objects), CTL_LAST);
}

void control_list_objects(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	run(ctl, c, call, false);
}

void control_reset_objects(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	run(ctl, c, call, true);
}
