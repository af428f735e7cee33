/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explain: what would become of a connection, under the rules in force. Evaluates on the main
 * thread, without effects.
 */
#include "method.h"

#include "generation.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "wire/explain.h"

#include <stdlib.h>

static void add_line(void *ctx, const char *text)
{
	json_array_append_new(ctx, ctl_json_text(text));
}

/* A name of an interface that does not exist matches what its name would. */
static bool find_interfaces(const struct ifnames *names, struct explain_request *req,
                            const char **wrong)
{
	*wrong = "in";
	if (req->in[0] != '\0' && (req->iif = ifnames_find(names, req->in)) == 0) {
		return false;
	}
	*wrong = "out";
	return req->out[0] == '\0' || (req->oif = ifnames_find(names, req->out)) != 0;
}

void control_explain(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const struct control_env *env = &ctl->env;
	const struct generation *g = env->generations->current;
	struct explain_request req;
	struct explanation *x;
	const char *wrong;
	json_t *lines;
	json_t *reply;

	if (!explain_parse(call->parameters, &req, &wrong) ||
	    !find_interfaces(env->ifnames, &req, &wrong)) {
		method_invalid_parameter(c, wrong);
		return;
	}
	x = aligned_alloc(64, (sizeof(*x) + 63) & ~(size_t)63);
	if (x == NULL) {
		method_out_of_memory(c);
		return;
	}
	explain_run(env->engine, env->worker, clock_now(), &req, x);
	reply = explain_json(x, &req, g->config);
	lines = json_array();
	explain_text(x, &req, g->config, add_line, lines);
	json_object_set_new(reply, "lines", lines);
	free(x);
	ctl_client_reply(c, reply, CTL_LAST);
}
