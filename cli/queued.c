/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reasons why packets go to the queue. See queued.h.
 */
#include "queued.h"

#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

json_t *queued_read(const char *socket_path)
{
	struct client *c = client_open(socket_path);
	json_t *last = NULL;
	bool continues = true;

	if (c == NULL || client_call(c, "CountQueued", NULL, CTL_CONTINUES) != 0) {
		client_close(c);
		return NULL;
	}
	while (continues) {
		struct ctl_reply reply;

		json_decref(last);
		last = NULL;
		if (client_reply(c, &reply) != 0) {
			break;
		}
		continues = reply.continues;
		if (reply.error == NULL) {
			last = json_incref(reply.parameters);
		}
		ctl_reply_fini(&reply);
	}
	client_close(c);
	return last;
}

static void put(char out[QUEUED_TEXT_SIZE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put(char out[QUEUED_TEXT_SIZE], const char *fmt, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(out + used, QUEUED_TEXT_SIZE - used, fmt, args);
	va_end(args);
}

void queued_text(const json_t *row, char out[QUEUED_TEXT_SIZE])
{
	const json_t *rule = json_object_get(row, "rule");
	long long len = client_number(row, "connections");

	out[0] = '\0';
	put(out, "%lld connection%s, %s", len, len == 1 ? "" : "s", client_text(row, "reason"));
	if (json_object_get(row, "direction") != NULL) {
		put(out, ", %s", client_text(row, "direction"));
	}
	if (rule == NULL) {
		rule = json_object_get(row, "policy_chain");
	}
	if (rule != NULL) {
		put(out, ", %s %s %s", client_text(rule, "family"), client_text(rule, "table"),
		    client_text(rule, "chain"));
	}
	if (json_object_get(rule, "file") != NULL) {
		put(out, " %s:%lld", client_text(rule, "file"), client_number(rule, "line"));
	}
}
