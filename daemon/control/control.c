/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control interface: socket, and the table of methods.
 */
#include "control.h"

#include "method.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_call(void *ctx, struct ctl_client *c, const struct ctl_call *call);

static const struct {
	const char *name;
	control_method_fn *fn;
	enum ctl_access access; /* that a client needs */
} methods[] = {
	{ "org.varlink.service.GetInfo", control_get_info, CTL_ACCESS_READ },
	{ "org.varlink.service.GetInterfaceDescription", control_get_interface, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".ListConnections", control_list_connections, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".CountConnections", control_count_connections, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".CountQueued", control_count_queued, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetConnection", control_get_connection, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetStats", control_get_stats, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".StreamEvents", control_stream_events, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".StreamTraces", control_stream_traces, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".Explain", control_explain, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetHooks", control_get_hooks, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetKernelPart", control_get_kernel_part, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetCluster", control_get_cluster, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetSettings", control_get_settings, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".GetRuleset", control_get_ruleset, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".ListSets", control_list_sets, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".ListElements", control_list_elements, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".AddElements", control_add_elements, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".DeleteElements", control_delete_elements, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".FlushSet", control_flush_set, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".ListObjects", control_list_objects, CTL_ACCESS_READ },
	{ CTL_INTERFACE ".ResetObjects", control_reset_objects, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".Reload", control_reload, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".Confirm", control_confirm, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".ImportConntrack", control_import, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".Flush", control_flush, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".Delete", control_delete, CTL_ACCESS_WRITE },
	{ CTL_INTERFACE ".DeleteMatching", control_delete_matching, CTL_ACCESS_WRITE },
};

int control_start(struct event_base *base, const char *socket_path, const struct control_env *env,
                  struct control **out)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	const struct ctl_handler handler = { .call = on_call, .ctx = ctl };
	int err;

	if (ctl == NULL) {
		return -ENOMEM;
	}
	ctl->env = *env;
	LIST_INIT(&ctl->readers.list);
	LIST_INIT(&ctl->followers.list);
	err = ctl_sock_open(base, socket_path, &handler, env->group, &ctl->sock);
	if (err < 0) {
		free(ctl);
		return err;
	}
	*out = ctl;
	return 0;
}

void control_stop(struct control *c)
{
	if (c != NULL) {
		ctl_sock_close(c->sock);
		free(c->stats_base);
		free(c);
	}
}

static void on_call(void *ctx, struct ctl_client *c, const struct ctl_call *call)
{
	const char *dot = strrchr(call->method, '.');
	size_t interface_size = dot != NULL ? (size_t)(dot - call->method) : 0;
	bool interface_is_known = false;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *name = methods[i].name;

		if (strcmp(name, call->method) == 0) {
			if (methods[i].access > ctl_client_access(c)) {
				method_permission_denied(c);
				return;
			}
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
