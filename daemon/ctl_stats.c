/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetStats: everything that is counted.
 */
#include "ctl_method.h"
#include "io/clock.h"
#include "io/nfq_proc.h"

#include <finwall/tunables.h>

#include <string.h>

static json_t *table_json(const struct daemon *d);
static json_t *reasons_json(const struct stats *s);
static json_t *verdicts_json(const struct stats *s);
static json_t *events_json(const struct stats *s);
static json_t *compare_json(const struct daemon *d);
static json_t *late_json(const struct stats *s);
static json_t *queues_json(const struct daemon *d);
static json_t *queue_json(const struct worker *w);
static json_t *counters_json(const struct nfq_counters *n);
static json_t *errnos_json(const struct nfq_counters *n);
static json_t *latencies_json(const struct worker *w);

/* A counter as JSON has it: signed, and nobody counts that far. */
static json_int_t number(uint64_t n)
{
	return (json_int_t)n;
}

void ctl_get_stats(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	struct stats sum;
	json_t *o;

	(void)call;
	daemon_stats(d, &sum);
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "version",
	              FINWALL_VERSION, "uptime_ms",
	              (json_int_t)(mono_diff(clock_now(), d->start) / NSEC_PER_MSEC), "generation",
	              (json_int_t)d->generation->policy.generation, "reloads",
	              (json_int_t)d->reloads, "reloads_failed", (json_int_t)d->reloads_failed,
	              "table", table_json(d), "reasons", reasons_json(&sum), "verdicts",
	              verdicts_json(&sum), "events", events_json(&sum), "queues", queues_json(d));
	json_object_set_new(o, "late", late_json(&sum));
	json_object_set_new(o, "compare", compare_json(d));
	json_object_set_new(o, "raw_sender",
	                    json_pack("{s:b, s:I}", "running", d->raw.pid > 0, "restarts",
	                              (json_int_t)d->raw_restarts));
	json_object_set_new(o, "event_readers", json_integer(ctl_event_readers(d)));
	json_object_set_new(o, "events_skipped", json_integer(number(d->events_skipped)));
	ctl_client_reply(c, o, CTL_LAST);
}

static json_t *table_json(const struct daemon *d)
{
	struct engine_usage u;

	engine_usage(d->engine, &u);
	return json_pack("{s:I, s:I, s:I, s:I}", "connections", number(u.flows), "connections_max",
	                 number(u.flows_max), "remembered", number(u.tombs), "remembered_max",
	                 number(u.tombs_max));
}

static json_t *reasons_json(const struct stats *s)
{
	json_t *list = json_array();

	for (unsigned r = 0; r < REASONS_LEN; r++) {
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:s}", "name", reason_name(r), "state",
		                        ct_state_name(reason_state(r)), "packets",
		                        number(stat_get(&s->reason[r])), "text", reason_text(r)));
	}
	return list;
}

static json_t *verdicts_json(const struct stats *s)
{
	json_t *list = json_array();

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		for (unsigned ct = 0; ct < CT_STATES_LEN; ct++) {
			json_t *row = json_pack("{s:s, s:s}", "hook", hook_name(h), "state",
			                        ct_state_name(ct));

			for (unsigned v = 0; v < VERDICTS_LEN; v++) {
				json_object_set_new(
					row, verdict_name(v),
					json_pack("{s:I, s:I}", "packets",
				                  number(stat_get(&s->verdict[h][ct][v])), "bytes",
				                  number(stat_get(&s->verdict_bytes[h][ct][v]))));
			}
			json_array_append_new(list, row);
		}
	}
	return list;
}

static json_t *events_json(const struct stats *s)
{
	json_t *list = json_array();

	for (unsigned e = 0; e < EVENTS_LEN; e++) {
		json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", stat_event_name(e),
		                                      "count", number(stat_get(&s->event[e])),
		                                      "text", stat_event_text(e)));
	}
	return list;
}

/* Pairs of states that occurred; every result. */
static json_t *compare_json(const struct daemon *d)
{
	struct compare_stats sum = { 0 };
	json_t *results = json_array();
	json_t *pairs = json_array();

	for (uint32_t i = 0; i < d->workers_len; i++) {
		compare_sum(&sum, &d->workers[i].comparer.stats);
	}
	for (unsigned c = 0; c < COMPARES_LEN; c++) {
		json_array_append_new(results, json_pack("{s:s, s:I, s:s}", "name", compare_name(c),
		                                         "count", number(stat_get(&sum.result[c])),
		                                         "text", compare_text(c)));
	}
	for (unsigned s = 0; s < CT_STATES_LEN; s++) {
		for (unsigned k = 0; k < KERNEL_STATES_LEN; k++) {
			uint64_t packets = stat_get(&sum.matrix[s][k]);

			if (packets > 0) {
				json_array_append_new(pairs, json_pack("{s:s, s:s, s:I}", "finwall",
				                                       ct_state_name(s), "kernel",
				                                       kernel_state_name(k),
				                                       "packets", number(packets)));
			}
		}
	}
	return json_pack("{s:b, s:I, s:o, s:o}", "on", d->settings_at_start.compare_kernel != 0,
	                 "differences", number(stat_get(&sum.result[COMPARE_DIFFERENT])), "results",
	                 results, "states", pairs);
}

static json_t *late_json(const struct stats *s)
{
	json_t *list = json_array();

	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		for (unsigned i = 0; i < LATE_CASES_LEN; i++) {
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:I, s:I}", "policy",
			                        late_policy_name(p), "case", late_case_name(i),
			                        "refused", number(stat_get(&s->late[p][i][0])),
			                        "passed", number(stat_get(&s->late[p][i][1]))));
		}
	}
	return list;
}

static json_t *queues_json(const struct daemon *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->workers_len; i++) {
		json_array_append_new(list, queue_json(&d->workers[i]));
	}
	return list;
}

/* The kernel's numbers are missing where it does not tell them. */
static json_t *queue_json(const struct worker *w)
{
	json_t *row = json_pack("{s:i, s:o, s:o, s:o}", "number", (int)w->queue, "counters",
	                        counters_json(&w->nfq), "kernel_errors", errnos_json(&w->nfq),
	                        "latencies", latencies_json(w));
	struct nfq_proc proc;

	if (nfq_proc_read(w->queue, &proc) == 0) {
		json_object_set_new(row, "waiting", json_integer(proc.waiting));
		json_object_set_new(row, "dropped", json_integer(proc.dropped));
		json_object_set_new(row, "user_dropped", json_integer(proc.user_dropped));
	}
	return row;
}

static json_t *counters_json(const struct nfq_counters *n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < NFQ_COUNTS_LEN; i++) {
		json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", nfq_count_name(i),
		                                      "count", number(stat_get(&n->count[i])),
		                                      "text", nfq_count_text(i)));
	}
	return list;
}

/* Those that came. The last slot stands for all that are larger. */
static json_t *errnos_json(const struct nfq_counters *n)
{
	json_t *list = json_array();

	for (int i = 0; i < NFQ_ERRNOS_LEN; i++) {
		uint64_t count = stat_get(&n->by_errno[i]);

		if (count > 0) {
			json_array_append_new(list,
			                      json_pack("{s:i, s:I, s:s}", "errno", i, "count",
			                                number(count), "text", strerror(i)));
		}
	}
	return list;
}

static json_t *latency_json(const char *name, const struct histogram *h, const char *text)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "name", name, "count",
	                 number(histogram_count(h)), "p50_ns",
	                 number(histogram_quantile(h, 500000)), "p90_ns",
	                 number(histogram_quantile(h, 900000)), "p99_ns",
	                 number(histogram_quantile(h, 990000)), "p999_ns",
	                 number(histogram_quantile(h, 999000)), "text", text);
}

/* Only what was counted: the kernel stamps packets only where somebody asked it to. */
static json_t *latencies_json(const struct worker *w)
{
	json_t *list = json_array();

	if (histogram_count(&w->decide_ns) > 0) {
		json_array_append_new(list,
		                      latency_json("decide", &w->decide_ns,
		                                   "from the receive to the verdicts being ready"));
		json_array_append_new(
			list,
			latency_json("verdict", &w->verdict_ns,
		                     "from the receive until the kernel has dealt with them"));
	}
	if (histogram_count(&w->stay_ns) > 0) {
		json_array_append_new(list, latency_json("stay", &w->stay_ns,
		                                         "from the kernel's stamp to the verdict"));
	}
	return list;
}
