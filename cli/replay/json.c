/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output: one object per line, packets first, the summary last. Counters that are zero are
 * left out. The key "lanes" has one object per policy.
 */
#include "replay/report.h"
#include "replay/tcp_flags.h"

#include <finwall/flow_text.h>

#include <jansson.h>

static void put_line(FILE *out, json_t *object)
{
	(void)json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

/* JSON must be UTF-8, file names need not be. */
static json_t *text_of(const char *s)
{
	char ascii[512];
	json_t *text = json_string(s);
	size_t n = 0;

	if (text != NULL) {
		return text;
	}
	for (; s[n] != '\0' && n < sizeof(ascii) - 1; n++) {
		ascii[n] = (signed char)s[n] > 0 ? s[n] : '?';
	}
	ascii[n] = '\0';
	return json_string(ascii);
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* Seconds with nine digits, as text, because a double would round them. */
static json_t *time_text(int64_t ns)
{
	return json_sprintf("%lld.%09lld", (long long)(ns / NSEC_PER_SEC),
	                    (long long)(ns % NSEC_PER_SEC));
}

static void put_headers(json_t *to, const struct pkt *p)
{
	bool has_ports = p->l4_proto == IPPROTO_NR_TCP || p->l4_proto == IPPROTO_NR_UDP;
	char text[64];

	if (p->depth == PKT_NOTHING) {
		return;
	}
	json_object_set_new(to, "source",
	                    json_string(addr_text(&p->tuple.src, p->tuple.family, text)));
	json_object_set_new(to, "destination",
	                    json_string(addr_text(&p->tuple.dst, p->tuple.family, text)));
	json_object_set_new(to, "protocol", json_integer(p->l4_proto));
	if (p->depth != PKT_IP && has_ports) {
		json_object_set_new(to, "source_port", json_integer(p->tuple.sport));
		json_object_set_new(to, "destination_port", json_integer(p->tuple.dport));
	}
	if (p->depth == PKT_FULL && p->l4_proto == IPPROTO_NR_TCP) {
		json_object_set_new(to, "flags", json_string(tcp_flags_text(p->tcp.flags, text)));
		json_object_set_new(to, "seq", json_integer(p->tcp.seq));
		json_object_set_new(to, "ack", json_integer(p->tcp.ack));
		json_object_set_new(to, "payload", json_integer(p->tcp.payload_size));
	}
}

static json_t *decision_of(const struct replay_instance *in)
{
	const struct decision *d = &in->decision;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", in->source->name, "state",
	                      ct_state_name(d->state), "reason", reason_name(d->reason), "verdict",
	                      verdict_name(d->verdict), "tcp_state", tcp_state_name(d->tcp_state));

	if (in->is_probed) {
		json_object_set_new(o, "probed", json_true());
	}
	if (in->has_late && in->late.has_tomb) {
		json_object_set_new(o, "remembered",
		                    json_pack("{s:s, s:o, s:I}", "cause",
		                              tomb_cause_name(in->late.cause), "gone",
		                              time_text(in->late.gone_ns), "seq_distance",
		                              (json_int_t)in->late.seq_distance));
	}
	return o;
}

void replay_json_packet(FILE *out, const struct replay *r, const struct replay_packet *p)
{
	json_t *o = json_pack("{s:s, s:o, s:I, s:o, s:s, s:b}", "type", "packet", "file",
	                      text_of(p->file), "number", (json_int_t)p->nr_in_file, "time",
	                      time_text(p->time_ns), "hook", hook_name(p->pkt->frame->hook),
	                      "differs", replay_differs(r));
	json_t *policies = json_array();

	put_headers(o, p->pkt);
	for (size_t i = 0; i < r->instances_len; i++) {
		json_array_append_new(policies, decision_of(&r->instance[i]));
	}
	json_object_set_new(o, "lanes", policies);
	put_line(out, o);
}

static void put_nonzero(json_t *to, const char *name, uint64_t n)
{
	if (n != 0) {
		json_object_set_new(to, name, number(n));
	}
}

static json_t *totals_of(const struct conn_totals *t)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "late", number(t->late), "saved",
	                 number(t->saved), "recovered", number(t->recovered), "hung",
	                 number(t->hung), "strays_passed", number(t->strays_passed),
	                 "strays_dropped", number(t->strays_dropped));
}

static json_t *summary_of(const struct replay *r, size_t nr)
{
	const struct replay_instance *in = &r->instance[nr];
	json_t *verdicts = json_object();
	json_t *states = json_object();
	json_t *reasons = json_object();
	json_t *events = json_object();

	for (size_t i = 0; i < VERDICTS_LEN; i++) {
		json_object_set_new(verdicts, verdict_name((enum verdict)i),
		                    json_pack("{s:o, s:o}", "packets",
		                              number(replay_verdicts(in, (enum verdict)i)), "bytes",
		                              number(replay_verdict_bytes(in, (enum verdict)i))));
	}
	for (size_t i = 0; i < CT_STATES_LEN; i++) {
		put_nonzero(states, ct_state_name((enum ct_state)i),
		            replay_states(in, (enum ct_state)i));
	}
	for (size_t i = 0; i < REASONS_LEN; i++) {
		put_nonzero(reasons, reason_name((enum reason)i),
		            stat_get(&in->worker.stats.reason[i]));
	}
	for (size_t i = 0; i < EVENTS_LEN; i++) {
		put_nonzero(events, stat_event_name((enum stat_event)i),
		            stat_get(&in->worker.stats.event[i]));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", in->source->name,
	                 "connections", totals_of(&r->conns.totals[nr]), "verdicts", verdicts,
	                 "states", states, "reasons", reasons, "events", events, "flows_peak",
	                 number(in->flows_peak), "remembered_peak", number(in->tombs_peak));
}

static json_t *all_diffs(const struct replay *r, const struct replay_diffs *d)
{
	json_t *groups = json_array();

	for (size_t k = 0; k < d->groups_len; k++) {
		json_t *policies = json_array();

		for (size_t i = 0; i < r->instances_len; i++) {
			json_array_append_new(
				policies,
				json_pack("{s:s, s:s, s:s}", "name", r->instance[i].source->name,
			                  "reason", reason_name(d->group[k].reason[i]), "verdict",
			                  verdict_name(d->group[k].verdict[i])));
		}
		json_array_append_new(groups,
		                      json_pack("{s:o, s:o}", "packets",
		                                number(d->group[k].packets), "lanes", policies));
	}
	return json_pack("{s:o, s:o, s:o}", "packets", number(r->differing), "kinds", groups,
	                 "packets_of_other_kinds", number(d->others));
}

static json_t *all_sources(const struct replay_source *sources, size_t sources_len)
{
	json_t *files = json_array();

	for (size_t i = 0; i < sources_len; i++) {
		json_t *file = json_pack("{s:o, s:o}", "path", text_of(sources[i].path), "frames",
		                         number(sources[i].frames));

		if (sources[i].error != NULL) {
			json_object_set_new(file, "error", text_of(sources[i].error));
		}
		json_array_append_new(files, file);
	}
	return files;
}

void replay_json_summary(FILE *out, const struct replay *r, const struct replay_diffs *d,
                         const struct replay_source *sources, size_t sources_len)
{
	json_t *skipped = json_object();
	json_t *policies = json_array();
	json_t *o;

	for (size_t i = 0; i < LINK_RESULTS_LEN; i++) {
		put_nonzero(skipped, link_result_name((enum link_result)i), r->skipped[i]);
	}
	put_nonzero(skipped, "copy", r->copies_skipped);
	for (size_t i = 0; i < r->instances_len; i++) {
		json_array_append_new(policies, summary_of(r, i));
	}
	o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "type", "summary", "files",
	              all_sources(sources, sources_len), "frames", number(r->frames), "packets",
	              number(r->packets), "bytes", number(r->bytes), "duration",
	              time_text(mono_diff(r->now, REPLAY_START)), "left_out", skipped,
	              "out_of_time", number(r->out_of_order));
	json_object_set_new(o, "connections", number(r->conns.seen));
	json_object_set_new(o, "connections_closed", number(r->conns.closed));
	json_object_set_new(o, "lanes", policies);
	json_object_set_new(o, "differing", all_diffs(r, d));
	put_line(out, o);
}
