/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods of org.varlink.service: who serves, and which interfaces.
 */
#include "method.h"

#include <string.h>

void control_get_info(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	(void)ctl;
	(void)call;
	ctl_client_reply(c,
	                 json_pack("{s:s, s:s, s:s, s:s, s:[s,s]}", "vendor", "finwall", "product",
	                           "finwalld", "version", FINWALL_VERSION, "url", "", "interfaces",
	                           "org.varlink.service", CTL_INTERFACE),
	                 CTL_LAST);
}

void control_get_interface(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const char *name = json_string_value(json_object_get(call->parameters, "interface"));

	(void)ctl;
	if (name == NULL) {
		method_invalid_parameter(c, "interface");
		return;
	}
	if (strcmp(name, "org.varlink.service") == 0) {
		ctl_client_reply(c, json_pack("{s:s}", "description", control_service_interface_text),
		                 CTL_LAST);
		return;
	}
	if (strcmp(name, CTL_INTERFACE) != 0) {
		ctl_client_error(c, "org.varlink.service.InterfaceNotFound",
		                 json_pack("{s:s}", "interface", name));
		return;
	}
	ctl_client_reply(c, json_pack("{s:s}", "description", control_interface_text), CTL_LAST);
}
