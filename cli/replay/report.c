/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the format.
 */
#include "replay/report.h"

#include "wire/trace_text.h"

void replay_print_packet(const struct replay_report *to, const struct replay *r,
                         const struct replay_packet *p)
{
	if (to->is_json) {
		replay_json_packet(to->out, r, p);
		return;
	}
	replay_text_packet(to->out, r, p);
}

struct trace_printer {
	FILE *out;
	const char *policy; /* NULL: there is only one */
};

static void print_line(void *ctx, const char *text)
{
	const struct trace_printer *p = ctx;

	if (p->policy != NULL) {
		fprintf(p->out, "%s: ", p->policy);
	}
	fprintf(p->out, "%s\n", text);
}

static void print_trace(const struct replay_report *to, const struct replay_instance *in,
                        const struct trace_names *names, const char *policy)
{
	struct trace_printer printer = { to->out, policy };
	json_t *o;

	if (!to->is_json) {
		trace_text(in->trace, names, print_line, &printer);
		return;
	}
	o = trace_json(in->trace, names);
	json_object_set_new(o, "policy", json_string(in->source->name));
	json_dumpf(o, to->out, JSON_COMPACT);
	fputc('\n', to->out);
	json_decref(o);
}

void replay_print_trace(const struct replay_report *to, const struct replay *r,
                        const struct replay_packet *p, const struct watch_filter *filter)
{
	const char *iif = r->vantage.iif != NULL ? r->vantage.iif : "";
	const char *oif = r->vantage.oif != NULL ? r->vantage.oif : "";

	for (size_t i = 0; i < r->instances_len; i++) {
		const struct replay_instance *in = &r->instance[i];
		const struct trace_names names = {
			.config = in->source->config,
			.iif = p->pkt->frame->iif != 0 ? iif : "",
			.oif = p->pkt->frame->oif != 0 ? oif : "",
			.id = (uint32_t)p->nr_in_file,
		};

		if (watch_filter_may_want(filter, in->trace) &&
		    watch_filter_wants_decision(filter, &in->trace->decision) &&
		    watch_filter_wants_interface(filter, names.iif, names.oif)) {
			print_trace(to, in, &names, r->instances_len > 1 ? in->source->name : NULL);
		}
	}
}

void replay_print_summary(const struct replay_report *to, const struct replay *r,
                          const struct replay_diffs *d, const struct replay_source *sources,
                          size_t sources_len)
{
	if (to->is_json) {
		replay_json_summary(to->out, r, d, sources, sources_len);
		return;
	}
	replay_text_summary(to->out, r, d);
}
