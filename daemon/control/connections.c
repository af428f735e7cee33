/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flush, Delete, ImportConntrack: changes of the connection table by command.
 */
#include "method.h"

#include "cluster/cluster.h"
#include "generation.h"
#include "io/clock.h"
#include "io/log.h"
#include "state/import_conntrack.h"

#include <finwall/flow_text.h>

#include <inttypes.h>
#include <string.h>

void control_flush(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	enum engine_delete_mode how;
	const char *wrong = method_read_delete_mode(call, &how);
	uint64_t n;

	if (wrong != NULL) {
		method_invalid_parameter(c, wrong);
		return;
	}
	import_note_flushed(ctl->env.importer);
	cluster_note_flushed(ctl->env.cluster, how);
	n = engine_flush(ctl->env.engine, ctl->env.worker, clock_now(), how);
	log_write(ctl->env.log, LOG_LEVEL_NOTICE, "%" PRIu64 " connections flushed by command", n);
	ctl_client_reply(c, json_pack("{s:I}", "flushed", (json_int_t)n), CTL_LAST);
}

void control_delete(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	enum engine_delete_mode how;
	struct flowkey key;
	const char *wrong = method_read_delete_mode(call, &how);

	if (wrong != NULL) {
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!flow_key_parse(call->parameters, &key, &wrong)) {
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!engine_delete(ctl->env.engine, ctl->env.worker, &key, clock_now(), how)) {
		method_refuse(c, CTL_ERROR("NotFound"), "no such connection");
		return;
	}
	import_note_deleted(ctl->env.importer, &key);
	cluster_note_deleted(ctl->env.cluster, &key, how);
	ctl_client_reply(c, NULL, CTL_LAST);
}

void control_import(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct import_counts n;
	int err = import_conntrack(ctl->env.importer,
	                           generation_settings(ctl->env.generations->current), &n);
	json_t *left_out;

	(void)call;
	if (err != 0) {
		method_refuse(c, CTL_ERROR("ImportFailed"), strerror(-err));
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
