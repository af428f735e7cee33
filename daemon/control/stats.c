/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GetStats: all counters.
 */
#include "method.h"

#include "fast_path.h"
#include "generation.h"
#include "hook_watch.h"
#include "io/clock.h"
#include "io/nfq_proc.h"
#include "raw_sender.h"
#include "workers.h"

#include <finwall/tunables.h>

#include <stdlib.h>
#include <string.h>

/* Shares of packets, in parts per million. */
#define PPM_P50  500000
#define PPM_P90  900000
#define PPM_P99  990000
#define PPM_P999 999000

/* All counters when they were zeroed: subtracted since. */
struct stats_base {
	struct mono since;
	struct stats engine;
	struct compare_stats compare;
	struct queue_base {
		struct nfq_counters nfq;
		struct histogram decide_ns;
		struct histogram verdict_ns;
		struct histogram stay_ns;
		struct histogram held_ns;
		struct nfq_proc proc;
	} queues[];
};

static json_t *fast_path_json(const struct control_env *env);
static json_t *table_json(struct engine *e);
static json_t *reasons_json(const struct stats *s);
static json_t *verdicts_json(const struct stats *s);
static json_t *events_json(const struct stats *s);
static json_t *compare_json(const struct control_env *env, const struct stats_base *base);
static json_t *late_json(const struct stats *s);
static json_t *queues_json(const struct workers *ws, const struct stats_base *base);
static json_t *queue_json(const struct worker *w, const struct queue_base *base);
static json_t *counters_json(const struct nfq_counters *n);
static json_t *errnos_json(const struct nfq_counters *n);
static json_t *latencies_json(const struct queue_base *q);

/* Subtracts an array of counters; base may be NULL. */
static void subtract(void *counters, const void *base, size_t size)
{
	_Atomic uint64_t *at = counters;
	const _Atomic uint64_t *before = base;

	for (size_t i = 0; before != NULL && i < size / sizeof(*at); i++) {
		stat_add(&at[i], -stat_get(&before[i]));
	}
}

_Static_assert(sizeof(struct stats) % sizeof(uint64_t) == 0, "an array of counters");
_Static_assert(sizeof(struct compare_stats) % sizeof(uint64_t) == 0, "an array of counters");
_Static_assert(sizeof(struct nfq_counters) % sizeof(uint64_t) == 0, "an array of counters");
_Static_assert(sizeof(struct histogram) % sizeof(uint64_t) == 0, "an array of counters");

static void read_engine(const struct control_env *env, struct stats *out)
{
	stats_sum(out, &env->worker->stats);
	workers_add_stats(env->workers, out);
}

static void read_compare(const struct control_env *env, struct compare_stats *out)
{
	for (uint32_t i = 0; i < env->workers->len; i++) {
		compare_sum(out, &env->workers->at[i].comparer.stats);
	}
}

/* A copy of counters that a worker may be writing: each is read at once, not all. */
static void copy_counters(void *to, const void *from, size_t size)
{
	memset(to, 0, size);
	subtract(to, from, size);
	for (size_t i = 0; i < size / sizeof(uint64_t); i++) {
		_Atomic uint64_t *at = (_Atomic uint64_t *)to + i;

		atomic_store_explicit(at, -stat_get(at), memory_order_relaxed);
	}
}

static void read_queue(const struct worker *w, struct queue_base *out)
{
	copy_counters(&out->nfq, &w->nfq, sizeof(out->nfq));
	copy_counters(&out->decide_ns, &w->decide_ns, sizeof(out->decide_ns));
	copy_counters(&out->verdict_ns, &w->verdict_ns, sizeof(out->verdict_ns));
	copy_counters(&out->stay_ns, &w->stay_ns, sizeof(out->stay_ns));
	copy_counters(&out->held_ns, &w->held_ns, sizeof(out->held_ns));
	out->proc = (struct nfq_proc){ 0 };
	(void)nfq_proc_read(w->queue, &out->proc);
}

/* Returns false when memory ran out; nothing has changed then. */
static bool zero(struct control *ctl)
{
	const struct control_env *env = &ctl->env;
	size_t size = sizeof(struct stats_base) + env->workers->len * sizeof(struct queue_base);
	struct stats_base *b = aligned_alloc(_Alignof(struct stats_base), (size + 63) / 64 * 64);

	if (b == NULL) {
		return false;
	}
	memset(b, 0, size);
	b->since = clock_now();
	read_engine(env, &b->engine);
	read_compare(env, &b->compare);
	for (uint32_t i = 0; i < env->workers->len; i++) {
		read_queue(&env->workers->at[i], &b->queues[i]);
	}
	generation_zero_counters(env->generations->current);
	free(ctl->stats_base);
	ctl->stats_base = b;
	return true;
}

/* A counter as a JSON integer, which is signed: no counter reaches 2^63. */
static json_int_t number(uint64_t n)
{
	return (json_int_t)n;
}

void control_get_stats(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	const struct control_env *env = &ctl->env;
	int64_t uptime_ns = mono_diff(clock_now(), env->start);
	const struct stats_base *base = ctl->stats_base;
	struct stats sum = { 0 };
	bool zeroes;
	json_t *o;

	if (!method_read_flag(call, "zero", &zeroes)) {
		method_invalid_parameter(c, "zero");
		return;
	}
	if (zeroes && ctl_client_access(c) != CTL_ACCESS_WRITE) {
		method_permission_denied(c);
		return;
	}
	read_engine(env, &sum);
	subtract(&sum, base != NULL ? &base->engine : NULL, sizeof(sum));
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "version",
	              FINWALL_VERSION, "uptime_ms", (json_int_t)(uptime_ns / NSEC_PER_MSEC),
	              "generation", (json_int_t)env->generations->current->shared.policy.generation,
	              "reloads", (json_int_t)env->reloads->done, "reloads_failed",
	              (json_int_t)env->reloads->failed, "table", table_json(env->engine), "reasons",
	              reasons_json(&sum), "verdicts", verdicts_json(&sum), "events",
	              events_json(&sum), "queues", queues_json(env->workers, base));
	json_object_set_new(o, "late", late_json(&sum));
	json_object_set_new(o, "compare", compare_json(env, base));
	json_object_set_new(o, "raw_sender",
	                    json_pack("{s:b, s:I}", "running", env->raw_sender->raw.pid > 0,
	                              "restarts", (json_int_t)env->raw_sender->restarts));
	json_object_set_new(o, "hooks",
	                    json_pack("{s:s, s:s, s:I}", "fault",
	                              hook_fault_name(env->hook_watch->fault), "text",
	                              env->hook_watch->text, "losses",
	                              number(env->hook_watch->losses)));
	json_object_set_new(o, "fast_path", fast_path_json(env));
	json_object_set_new(o, "event_readers", json_integer(ctl->readers.len));
	json_object_set_new(o, "events_skipped", json_integer(number(ctl->readers.skipped)));
	if (base != NULL) {
		json_object_set_new(
			o, "zeroed_ms_ago",
			json_integer(mono_diff(clock_now(), base->since) / NSEC_PER_MSEC));
	}
	if (env->confirm_left(env->ctx) != 0) {
		json_object_set_new(o, "confirm_ms",
		                    json_integer(env->confirm_left(env->ctx) / NSEC_PER_MSEC));
	}
	if (zeroes && !zero(ctl)) {
		json_decref(o);
		method_out_of_memory(c);
		return;
	}
	ctl_client_reply(c, o, CTL_LAST);
}

/* why: why no connection can be leased; "" if some can. */
static json_t *fast_path_json(const struct control_env *env)
{
	const struct generation *g = env->generations->current;
	struct lease_usage u;
	json_t *hooks = json_object();
	uint64_t packets = 0;
	uint64_t bytes = 0;
	json_t *o;

	engine_lease_usage(env->engine, &u);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		packets += u.packets[h];
		bytes += u.bytes[h];
		json_object_set_new(hooks, hook_name(h),
		                    json_pack("{s:I, s:I}", "packets", number(u.packets[h]),
		                              "bytes", number(u.bytes[h])));
	}
	o = json_pack(
		"{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "on", u.is_on, "why",
		fast_path_why_not(env->fast_path, generation_settings(g), &g->shared.policy.tun),
		"leased", number(u.held), "leased_max", number(u.max), "granted", number(u.granted),
		"taken_back", number(u.taken), "no_place", number(u.no_place), "adopted",
		number(env->fast_path->adopted));
	json_object_update_new(o, json_pack("{s:I, s:I, s:o}", "packets", number(packets), "bytes",
	                                    number(bytes), "hooks", hooks));
	return o;
}

static json_t *part_json(const char *name, uint64_t connections)
{
	return json_pack("{s:s, s:I}", "name", name, "connections", number(connections));
}

static json_t *table_json(struct engine *e)
{
	static const char *const protocols[FLOW_PROTOS_LEN] = {
		[FLOW_PROTO_TCP] = "tcp",
		[FLOW_PROTO_UDP] = "udp",
		[FLOW_PROTO_ICMP] = "icmp",
		[FLOW_PROTO_OTHER] = "other",
	};
	json_t *by_protocol = json_array();
	json_t *by_state = json_array();
	struct engine_usage u;

	engine_usage(e, &u);
	for (unsigned p = 0; p < FLOW_PROTOS_LEN; p++) {
		json_array_append_new(by_protocol, part_json(protocols[p], u.flows_by[p]));
	}
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		json_array_append_new(by_state, part_json(tcp_state_name(s), u.tcp_by[s]));
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "connections", number(u.flows),
	                 "connections_max", number(u.flows_max), "remembered", number(u.tombs),
	                 "remembered_max", number(u.tombs_max), "protocols", by_protocol,
	                 "tcp_states", by_state);
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

/* The pairs of states that occurred, and every result. */
static json_t *compare_json(const struct control_env *env, const struct stats_base *base)
{
	struct compare_stats sum = { 0 };
	json_t *results = json_array();
	json_t *pairs = json_array();

	read_compare(env, &sum);
	subtract(&sum, base != NULL ? &base->compare : NULL, sizeof(sum));
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
	return json_pack("{s:b, s:I, s:o, s:o}", "on", env->compares_kernel, "differences",
	                 number(stat_get(&sum.result[COMPARE_DIFFERENT])), "results", results,
	                 "states", pairs);
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

static json_t *queues_json(const struct workers *ws, const struct stats_base *base)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < ws->len; i++) {
		json_array_append_new(
			list, queue_json(&ws->at[i], base != NULL ? &base->queues[i] : NULL));
	}
	return list;
}

/* The kernel's counters are left out when /proc cannot be read. */
static json_t *queue_json(const struct worker *w, const struct queue_base *base)
{
	static const struct queue_base none;
	struct queue_base q;
	struct nfq_proc proc;
	json_t *row;

	read_queue(w, &q);
	base = base != NULL ? base : &none;
	subtract(&q.nfq, &base->nfq, sizeof(q.nfq));
	subtract(&q.decide_ns, &base->decide_ns, sizeof(q.decide_ns));
	subtract(&q.verdict_ns, &base->verdict_ns, sizeof(q.verdict_ns));
	subtract(&q.stay_ns, &base->stay_ns, sizeof(q.stay_ns));
	subtract(&q.held_ns, &base->held_ns, sizeof(q.held_ns));
	row = json_pack("{s:i, s:o, s:o, s:o, s:I}", "number", (int)w->queue, "counters",
	                counters_json(&q.nfq), "kernel_errors", errnos_json(&q.nfq), "latencies",
	                latencies_json(&q), "held", number(held_len(w->held)));
	if (nfq_proc_read(w->queue, &proc) == 0) {
		json_object_set_new(row, "waiting", json_integer(proc.waiting));
		json_object_set_new(row, "dropped",
		                    json_integer((uint32_t)(proc.dropped - base->proc.dropped)));
		json_object_set_new(
			row, "user_dropped",
			json_integer((uint32_t)(proc.user_dropped - base->proc.user_dropped)));
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

/* The errno values that occurred. The last slot counts all larger ones. */
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
	                 number(histogram_quantile(h, PPM_P50)), "p90_ns",
	                 number(histogram_quantile(h, PPM_P90)), "p99_ns",
	                 number(histogram_quantile(h, PPM_P99)), "p999_ns",
	                 number(histogram_quantile(h, PPM_P999)), "text", text);
}

/* Only histograms with values: the kernel stamps packets only if some socket asks for it. */
static json_t *latencies_json(const struct queue_base *w)
{
	json_t *list = json_array();

	if (histogram_count(&w->decide_ns) > 0) {
		json_array_append_new(list, latency_json("decide", &w->decide_ns,
		                                         "from the receive to the decision"));
		json_array_append_new(
			list,
			latency_json("verdict", &w->verdict_ns,
		                     "from the receive until the kernel has applied the verdicts"));
	}
	if (histogram_count(&w->held_ns) > 0) {
		json_array_append_new(
			list, latency_json("held", &w->held_ns,
		                           "of held packets: from the receive to the decision"));
	}
	if (histogram_count(&w->stay_ns) > 0) {
		json_array_append_new(list,
		                      latency_json("stay", &w->stay_ns,
		                                   "from the kernel's timestamp to the verdict"));
	}
	return list;
}
