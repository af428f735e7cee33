/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetRuleset, GetSettings, Reload: the configuration in force.
 */
#include "method.h"

#include "generation.h"

#include <stdlib.h>
#include <string.h>

#define CONFIRM_S_MAX 86400

static void reply_text(const struct control *ctl, struct ctl_client *c, enum config_print how)
{
	const struct generation *g = ctl->env.generations->current;
	char *text = config_print(g->config, how,
	                          (const struct ruleset_counters *const *)g->shared.counters,
	                          g->workers_len + 1);

	if (text == NULL) {
		method_out_of_memory(c);
		return;
	}
	if (strlen(text) > METHOD_TEXT_SIZE_MAX) {
		method_refuse(c, CTL_ERROR("TooLarge"),
		              "the text is larger than 8 MiB: keep large sets in files "
		              "(elements-file) and list them with finwall set list");
		free(text);
		return;
	}
	ctl_client_reply(c, json_pack("{s:o}", "text", ctl_json_text(text)), CTL_LAST);
	free(text);
}

_Static_assert(METHOD_TEXT_SIZE_MAX == 8u << 20, "the message above names the size");

void control_get_ruleset(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	bool with_counters;

	if (!method_read_flag(call, "counters", &with_counters)) {
		method_invalid_parameter(c, "counters");
		return;
	}
	reply_text(ctl, c, with_counters ? PRINT_COUNTERS : PRINT_PLAIN);
}

void control_get_settings(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	(void)call;
	reply_text(ctl, c, PRINT_SETTINGS);
}

/* Each line as an element. */
static json_t *lines_json(const char *text)
{
	json_t *list = json_array();

	while (text != NULL && *text != '\0') {
		size_t size = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, size));
		text += size;
		text += *text == '\n';
	}
	return list;
}

void control_reload(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const json_t *value = json_object_get(call->parameters, "confirm_s");
	json_int_t confirm_s = json_integer_value(value);
	char *warnings = NULL;
	char *errors = NULL;
	int err;

	if (value != NULL && (confirm_s < 1 || confirm_s > CONFIRM_S_MAX)) {
		method_invalid_parameter(c, "confirm_s");
		return;
	}
	err = ctl->env.reload(ctl->env.ctx, (uint32_t)confirm_s, &errors, &warnings);
	if (err < 0) {
		method_refuse(c, CTL_ERROR("ReloadFailed"),
		              errors != NULL ? errors : strerror(-err));
	} else {
		const struct generation *g = ctl->env.generations->current;

		ctl_client_reply(c,
		                 json_pack("{s:I, s:o}", "generation",
		                           (json_int_t)g->shared.policy.generation, "warnings",
		                           lines_json(warnings)),
		                 CTL_LAST);
	}
	free(warnings);
	free(errors);
}

void control_confirm(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	(void)call;
	if (!ctl->env.confirm(ctl->env.ctx)) {
		method_refuse(c, CTL_ERROR("NotFound"),
		              "no reload waits for a confirmation: the configuration in force "
		              "stays, or the time is over");
		return;
	}
	ctl_client_reply(
		c,
		json_pack("{s:I}", "generation",
	                  (json_int_t)ctl->env.generations->current->shared.policy.generation),
		CTL_LAST);
}
