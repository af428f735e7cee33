/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetRuleset, GetSettings, Reload: the configuration in force.
 */
#include "method.h"

#include "generation.h"

#include <stdlib.h>
#include <string.h>

/* The largest text in one reply: JSON may escape each byte as two. */
#define TEXT_SIZE_MAX (CTL_REPLY_SIZE_MAX / 2)

static void reply_text(const struct control *ctl, struct ctl_client *c, enum config_print how)
{
	const struct generation *g = ctl->env.generations->current;
	char *text = config_print(g->config, how,
	                          (const struct ruleset_counters *const *)g->shared.counters,
	                          g->workers_len);

	if (text == NULL) {
		method_out_of_memory(c);
		return;
	}
	if (strlen(text) > TEXT_SIZE_MAX) {
		method_refuse(c, CTL_ERROR("TooLarge"),
		              "the text is larger than 8 MiB: keep large sets in files "
		              "(elements-file) and list them with finwall set list");
		free(text);
		return;
	}
	ctl_client_reply(c, json_pack("{s:o}", "text", ctl_json_text(text)), CTL_LAST);
	free(text);
}

_Static_assert(TEXT_SIZE_MAX == 8u << 20, "the message above names the size");

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
	char *warnings = NULL;
	char *errors = NULL;
	int err = ctl->env.reload(ctl->env.ctx, &errors, &warnings);

	(void)call;
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
