/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control interface: the table of methods, and those that take a few lines.
 */
#include "ctl_cmd.h"

#include "ctl_method.h"
#include "import_conntrack.h"
#include "io/clock.h"
#include "io/log.h"

#include <finwall/flow_text.h>

#include <stdlib.h>
#include <string.h>

/* Of a configuration in one reply: escaped, each byte may become two. */
#define TEXT_SIZE_MAX (CTL_REPLY_SIZE_MAX / 2)

struct ctl {
	struct ctl_sock *sock;
};

static ctl_method_fn get_info;
static ctl_method_fn get_interface;
static ctl_method_fn get_ruleset;
static ctl_method_fn get_settings;
static ctl_method_fn reload;
static ctl_method_fn import;
static ctl_method_fn flush;
static ctl_method_fn delete_one;
static void on_call(void *ctx, struct ctl_client *c, const struct ctl_call *call);

static const struct {
	const char *name;
	ctl_method_fn *fn;
} methods[] = {
	{ "org.varlink.service.GetInfo", get_info },
	{ "org.varlink.service.GetInterfaceDescription", get_interface },
	{ CTL_INTERFACE ".ListConnections", ctl_list_connections },
	{ CTL_INTERFACE ".GetStats", ctl_get_stats },
	{ CTL_INTERFACE ".StreamEvents", ctl_stream_events },
	{ CTL_INTERFACE ".GetSettings", get_settings },
	{ CTL_INTERFACE ".GetRuleset", get_ruleset },
	{ CTL_INTERFACE ".ListSets", ctl_list_sets },
	{ CTL_INTERFACE ".ListElements", ctl_list_elements },
	{ CTL_INTERFACE ".AddElements", ctl_add_elements },
	{ CTL_INTERFACE ".DeleteElements", ctl_delete_elements },
	{ CTL_INTERFACE ".FlushSet", ctl_flush_set },
	{ CTL_INTERFACE ".Reload", reload },
	{ CTL_INTERFACE ".ImportConntrack", import },
	{ CTL_INTERFACE ".Flush", flush },
	{ CTL_INTERFACE ".Delete", delete_one },
};

int ctl_start(struct daemon *d, const char *socket_path)
{
	const struct ctl_handler handler = { .call = on_call, .ctx = d };
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	int rc;

	if (ctl == NULL) {
		return -ENOMEM;
	}
	rc = ctl_sock_open(d->base, socket_path, &handler, &ctl->sock);
	if (rc < 0) {
		free(ctl);
		return rc;
	}
	d->ctl = ctl;
	return 0;
}

void ctl_stop(struct daemon *d)
{
	if (d->ctl == NULL) {
		return;
	}
	ctl_sock_close(d->ctl->sock);
	free(d->ctl);
	d->ctl = NULL;
}

void ctl_wrong_parameter(struct ctl_client *c, const char *name)
{
	ctl_client_error(c, "org.varlink.service.InvalidParameter",
	                 json_pack("{s:s}", "parameter", name));
}

void ctl_refuse(struct ctl_client *c, const char *error, const char *message)
{
	ctl_client_error(c, error, json_pack("{s:o}", "message", ctl_json_text(message)));
}

bool ctl_read_flag(const struct ctl_call *call, const char *name, bool *out)
{
	const json_t *value = json_object_get(call->parameters, name);

	*out = json_is_true(value);
	return value == NULL || json_is_boolean(value);
}

static void on_call(void *ctx, struct ctl_client *c, const struct ctl_call *call)
{
	const char *dot = strrchr(call->method, '.');
	size_t interface_size = dot != NULL ? (size_t)(dot - call->method) : 0;
	bool interface_is_known = false;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *name = methods[i].name;

		if (strcmp(name, call->method) == 0) {
			methods[i].fn(ctx, c, call);
			return;
		}
		interface_is_known |=
			interface_size > 0 && strncmp(name, call->method, interface_size + 1) == 0;
	}
	if (interface_is_known) {
		ctl_client_error(c, "org.varlink.service.MethodNotFound",
		                 json_pack("{s:s}", "method", call->method));
		return;
	}
	ctl_client_error(c, "org.varlink.service.InterfaceNotFound",
	                 json_pack("{s:s%}", "interface", call->method, interface_size));
}

static void get_info(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	(void)d;
	(void)call;
	ctl_client_reply(c,
	                 json_pack("{s:s, s:s, s:s, s:s, s:[s,s]}", "vendor", "finwall", "product",
	                           "finwalld", "version", FINWALL_VERSION, "url", "", "interfaces",
	                           "org.varlink.service", CTL_INTERFACE),
	                 CTL_LAST);
}

static void get_interface(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	const char *name = json_string_value(json_object_get(call->parameters, "interface"));

	(void)d;
	if (name == NULL) {
		ctl_wrong_parameter(c, "interface");
		return;
	}
	if (strcmp(name, CTL_INTERFACE) != 0) {
		ctl_client_error(c, "org.varlink.service.InterfaceNotFound",
		                 json_pack("{s:s}", "interface", name));
		return;
	}
	ctl_client_reply(c, json_pack("{s:s}", "description", ctl_interface_text), CTL_LAST);
}

static void get_text(const struct daemon *d, struct ctl_client *c, enum config_print how)
{
	const struct generation *g = d->generation;
	char *text =
		config_print(g->config, how, (const struct ruleset_counters *const *)g->counters,
	                     g->workers_len);

	if (text == NULL) {
		ctl_refuse(c, CTL_ERROR("OutOfMemory"), "out of memory");
		return;
	}
	if (strlen(text) > TEXT_SIZE_MAX) {
		ctl_refuse(c, CTL_ERROR("TooLarge"),
		           "the text is too large for one answer: keep large sets in files "
		           "(elements-file), and see finwall set list");
		free(text);
		return;
	}
	ctl_client_reply(c, json_pack("{s:o}", "text", ctl_json_text(text)), CTL_LAST);
	free(text);
}

static void get_ruleset(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	bool with_counters;

	if (!ctl_read_flag(call, "counters", &with_counters)) {
		ctl_wrong_parameter(c, "counters");
		return;
	}
	get_text(d, c, with_counters ? PRINT_COUNTERS : PRINT_PLAIN);
}

static void get_settings(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	(void)call;
	get_text(d, c, PRINT_SETTINGS);
}

static void reload(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	char *errors = NULL;
	int rc = daemon_reload(d, &errors);

	(void)call;
	if (rc < 0) {
		ctl_refuse(c, CTL_ERROR("ReloadFailed"), errors != NULL ? errors : strerror(-rc));
		free(errors);
		return;
	}
	ctl_client_reply(
		c, json_pack("{s:I}", "generation", (json_int_t)d->generation->policy.generation),
		CTL_LAST);
}

static void import(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	struct import_counts n;
	int err = import_conntrack(d, &n);
	json_t *left_out;

	(void)call;
	if (err != 0) {
		ctl_refuse(c, CTL_ERROR("ImportFailed"), strerror(-err));
		return;
	}
	left_out = json_array();
	for (enum import_outcome o = IMPORT_TAKEN + 1; o < IMPORT_OUTCOMES_LEN; o++) {
		json_array_append_new(left_out,
		                      json_pack("{s:s, s:I, s:s}", "name", import_outcome_name(o),
		                                "count", (json_int_t)n.outcome[o], "text",
		                                import_outcome_text(o)));
	}
	ctl_client_reply(c,
	                 json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "read", (json_int_t)n.read,
	                           "taken", (json_int_t)n.outcome[IMPORT_TAKEN], "tcp",
	                           (json_int_t)n.tcp, "udp", (json_int_t)n.udp, "translated",
	                           (json_int_t)n.translated, "left_out", left_out),
	                 CTL_LAST);
}

static bool read_forget(const struct ctl_call *call, enum engine_delete_mode *how)
{
	bool wholly;

	if (!ctl_read_flag(call, "forget", &wholly)) {
		return false;
	}
	*how = wholly ? DELETE_FORGET : DELETE_REMEMBER;
	return true;
}

static void flush(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	enum engine_delete_mode how;
	uint64_t n;

	if (!read_forget(call, &how)) {
		ctl_wrong_parameter(c, "forget");
		return;
	}
	n = engine_flush(d->engine, &d->control, clock_now(), how);
	log_say(d->log, LOG_LEVEL_NOTICE, "%llu connections flushed by command",
	        (unsigned long long)n);
	ctl_client_reply(c, json_pack("{s:I}", "flushed", (json_int_t)n), CTL_LAST);
}

static void delete_one(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	enum engine_delete_mode how;
	struct flowkey key;
	const char *wrong;

	if (!read_forget(call, &how)) {
		ctl_wrong_parameter(c, "forget");
		return;
	}
	if (!flow_key_parse(call->parameters, &key, &wrong)) {
		ctl_wrong_parameter(c, wrong);
		return;
	}
	if (!engine_delete(d->engine, &d->control, &key, clock_now(), how)) {
		ctl_refuse(c, CTL_ERROR("NotFound"), "no such connection");
		return;
	}
	ctl_client_reply(c, NULL, CTL_LAST);
}
