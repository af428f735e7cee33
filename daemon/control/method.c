/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters and error replies that several methods share. See method.h.
 */
#include "method.h"

#include "generation.h"

void method_invalid_parameter(struct ctl_client *c, const char *name)
{
	ctl_client_error(c, "org.varlink.service.InvalidParameter",
	                 json_pack("{s:s}", "parameter", name));
}

void method_refuse(struct ctl_client *c, const char *error, const char *message)
{
	ctl_client_error(c, error, json_pack("{s:o}", "message", ctl_json_text(message)));
}

void method_permission_denied(struct ctl_client *c)
{
	ctl_client_error(c, "org.varlink.service.PermissionDenied", NULL);
}

void method_out_of_memory(struct ctl_client *c)
{
	method_refuse(c, CTL_ERROR("OutOfMemory"), "out of memory");
}

bool method_read_flag(const struct ctl_call *call, const char *name, bool *out)
{
	const json_t *value = json_object_get(call->parameters, name);

	*out = json_is_true(value);
	return value == NULL || json_is_boolean(value);
}

const char *method_read_delete_mode(const struct ctl_call *call, enum engine_delete_mode *out)
{
	bool forget;
	bool keep;

	if (!method_read_flag(call, "forget", &forget)) {
		return "forget";
	}
	if (!method_read_flag(call, "remember", &keep) || (forget && keep)) {
		return "remember";
	}
	*out = forget ? DELETE_FORGET : keep ? DELETE_REMEMBER : DELETE_END;
	return NULL;
}

bool method_wants_connection(const struct control_env *env, const struct flow_filter *filter,
                             const struct flow_view *v)
{
	const struct generation *g = env->generations->current;
	struct rule_place at = { .file = NULL };
	uint32_t rule_nr;

	if (!flow_filter_matches(filter, v)) {
		return false;
	}
	if (filter->rule_line == 0) {
		return true;
	}
	if (v->kind != VIEW_LIVE ||
	    !flow_origin_rule(v->origin, g->shared.policy.generation, &rule_nr)) {
		return false;
	}
	if (!config_rule_place(g->config, rule_nr, &at)) {
		(void)config_base_place(g->config, (enum base_chain)v->hook, v->orig.family, &at);
	}
	return flow_filter_wants_rule(filter, at.file, at.line);
}

bool method_read_filter(const struct control_env *env, struct ctl_client *c, const json_t *object,
                        struct flow_filter *out)
{
	const char *wrong;

	if (!flow_filter_parse(object, out, &wrong)) {
		method_invalid_parameter(c, wrong);
		return false;
	}
	if (out->idle_over_ns != 0 && !engine_has_accounts(env->engine)) {
		method_refuse(c, CTL_ERROR("NotCounted"),
		              "idle times are not known: set \"connections accounting on\" and "
		              "restart finwalld");
		return false;
	}
	return true;
}
