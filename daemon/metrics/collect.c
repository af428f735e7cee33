/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All metrics. See collect.h; finwalld(8), METRICS, lists them.
 */
#include "collect.h"

#include "control/control.h"
#include "generation.h"
#include "hook_watch.h"
#include "io/clock.h"
#include "io/nfq_proc.h"
#include "io/process_usage.h"
#include "raw_sender.h"
#include "workers.h"

#include <finwall/compare.h>

#include "sets/named_set.h"

#include <stdlib.h>
#include <string.h>

/* Bounds of the latency histograms: powers of two from 1 microsecond to 1 second. */
#define LATENCY_BOUND_FIRST_NS 1024u
#define LATENCY_BOUNDS_LEN     21

#define LABELS(...) ((const struct label[]){ __VA_ARGS__, { NULL, NULL } })

static void daemon_metrics(struct exposition *x, const struct metrics_sources *m);
static void table_metrics(struct exposition *x, const struct metrics_sources *m);
static void fast_path_metrics(struct exposition *x, const struct metrics_sources *m);
static void packet_metrics(struct exposition *x, const struct stats *sum);
static void reason_metrics(struct exposition *x, const struct stats *sum);
static void late_metrics(struct exposition *x, const struct stats *sum);
static void compare_metrics(struct exposition *x, const struct metrics_sources *m);
static void queue_metrics(struct exposition *x, const struct workers *ws);
static void latency_metrics(struct exposition *x, const struct workers *ws);
static void rule_metrics(struct exposition *x, const struct generation *g);
static void set_metrics(struct exposition *x, const struct generation *g);
static void hook_metrics(struct exposition *x, const struct metrics_sources *m);
static void control_metrics(struct exposition *x, const struct metrics_sources *m);
static void own_metrics(struct exposition *x, const struct metrics_own *own);

char *metrics_collect(const struct metrics_sources *from, const struct metrics_own *own,
                      enum exposition_format format, size_t *size)
{
	struct stats sum = { 0 };
	struct exposition x = { .format = format };
	char *text = NULL;

	x.to = open_memstream(&text, size);
	if (x.to == NULL) {
		return NULL;
	}
	stats_sum(&sum, &from->worker->stats);
	workers_add_stats(from->workers, &sum);
	daemon_metrics(&x, from);
	table_metrics(&x, from);
	fast_path_metrics(&x, from);
	packet_metrics(&x, &sum);
	reason_metrics(&x, &sum);
	late_metrics(&x, &sum);
	compare_metrics(&x, from);
	queue_metrics(&x, from->workers);
	latency_metrics(&x, from->workers);
	rule_metrics(&x, from->generations->current);
	set_metrics(&x, from->generations->current);
	hook_metrics(&x, from);
	control_metrics(&x, from);
	own_metrics(&x, own);
	exposition_end(&x);
	if (fclose(x.to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void gauge(struct exposition *x, const char *name, const char *help, uint64_t value)
{
	exposition_family(x, name, METRIC_GAUGE, NULL, help);
	exposition_sample(x, NULL, value);
}

static void counter(struct exposition *x, const char *name, const char *help, uint64_t value)
{
	exposition_family(x, name, METRIC_COUNTER, NULL, help);
	exposition_sample(x, NULL, value);
}

static void daemon_metrics(struct exposition *x, const struct metrics_sources *m)
{
	const struct generation *g = m->generations->current;
	struct process_usage u;

	exposition_family(x, "finwall_build_info", METRIC_GAUGE, NULL, "Version of the daemon");
	exposition_sample(x, LABELS({ "version", FINWALL_VERSION }), 1);
	exposition_family(x, "finwall_uptime_seconds", METRIC_GAUGE, "seconds",
	                  "Time since the start of the daemon");
	exposition_sample_f(x, NULL,
	                    (double)mono_diff(clock_now(), m->start) / (double)NSEC_PER_SEC);
	process_usage_read(&u);
	exposition_family(x, "process_cpu_seconds", METRIC_COUNTER, "seconds",
	                  "Processor time of all threads");
	exposition_sample_f(x, NULL, (double)u.cpu_ns / (double)NSEC_PER_SEC);
	exposition_family(x, "process_resident_memory_bytes", METRIC_GAUGE, "bytes",
	                  "Resident memory");
	exposition_sample(x, NULL, u.resident_bytes);
	gauge(x, "finwall_enforce", "1: the setting enforce is on; 0: drops are only counted",
	      g->shared.policy.tun.enforce != 0);
	gauge(x, "finwall_config_generation", "Number of the configuration in force",
	      g->shared.policy.generation);
	exposition_family(x, "finwall_reloads", METRIC_COUNTER, NULL, "Reloads by result");
	exposition_sample(x, LABELS({ "result", "done" }), m->reloads->done);
	exposition_sample(x, LABELS({ "result", "failed" }), m->reloads->failed);
}

static void table_metrics(struct exposition *x, const struct metrics_sources *m)
{
	static const char *const protocols[FLOW_PROTOS_LEN] = {
		[FLOW_PROTO_TCP] = "tcp",
		[FLOW_PROTO_UDP] = "udp",
		[FLOW_PROTO_ICMP] = "icmp",
		[FLOW_PROTO_OTHER] = "other",
	};
	struct engine_usage u;

	engine_usage(m->engine, &u);
	exposition_family(x, "finwall_connections", METRIC_GAUGE, NULL,
	                  "Live connections by protocol");
	for (unsigned p = 0; p < FLOW_PROTOS_LEN; p++) {
		exposition_sample(x, LABELS({ "protocol", protocols[p] }), u.flows_by[p]);
	}
	exposition_family(x, "finwall_tcp_connections", METRIC_GAUGE, NULL,
	                  "Live TCP connections by state");
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		exposition_sample(x, LABELS({ "state", tcp_state_name(s) }), u.tcp_by[s]);
	}
	gauge(x, "finwall_connections_max", "Limit of live connections (connections max)",
	      u.flows_max);
	gauge(x, "finwall_remembered_connections", "Remembered connections", u.tombs);
	gauge(x, "finwall_remembered_connections_max",
	      "Limit of remembered connections (connections remember-max)", u.tombs_max);
	gauge(x, "finwall_counted_connections", "Counters in use by ct count", u.counters);
}

/* All zero without the kernel fast path. */
static void fast_path_metrics(struct exposition *x, const struct metrics_sources *m)
{
	struct lease_usage u;

	engine_lease_usage(m->engine, &u);
	gauge(x, "finwall_fast_path_on", "1: connections can be on the kernel fast path", u.is_on);
	gauge(x, "finwall_fast_path_connections", "Connections on the kernel fast path", u.held);
	gauge(x, "finwall_fast_path_connections_max", "Limit of them", u.max);
	exposition_family(x, "finwall_fast_path_packets", METRIC_COUNTER, NULL,
	                  "Packets that the kernel fast path accepted; no other metric has them");
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		exposition_sample(x, LABELS({ "hook", hook_name(h) }), u.packets[h]);
	}
	exposition_family(x, "finwall_fast_path_bytes", METRIC_COUNTER, "bytes",
	                  "Bytes that the kernel fast path accepted");
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		exposition_sample(x, LABELS({ "hook", hook_name(h) }), u.bytes[h]);
	}
}

static void packet_metrics(struct exposition *x, const struct stats *sum)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 0) {
			exposition_family(x, "finwall_packets", METRIC_COUNTER, NULL,
			                  "Packets by hook, connection state and verdict");
		} else {
			exposition_family(x, "finwall_packet_bytes", METRIC_COUNTER, "bytes",
			                  "Bytes by hook, connection state and verdict");
		}
		for (unsigned h = 0; h < HOOKS_LEN; h++) {
			for (unsigned s = 0; s < CT_STATES_LEN; s++) {
				for (unsigned v = 0; v < VERDICTS_LEN; v++) {
					exposition_sample(
						x,
						LABELS({ "hook", hook_name(h) },
					               { "state", ct_state_name(s) },
					               { "verdict", verdict_name(v) }),
						stat_get(pass == 0 ? &sum->verdict[h][s][v]
					                           : &sum->verdict_bytes[h][s][v]));
				}
			}
		}
	}
}

/* The protocol that a reason is about, from its name; "any" if it is about none. */
static const char *reason_protocol(const char *reason)
{
	static const char *const protocols[][2] = {
		{ "tcp-", "tcp" },   { "late-", "tcp" },      { "udp-", "udp" },
		{ "icmp-", "icmp" }, { "untracked", "icmp" }, { "other-", "other" },
	};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strncmp(reason, protocols[i][0], strlen(protocols[i][0])) == 0) {
			return protocols[i][1];
		}
	}
	return "any";
}

static void reason_metrics(struct exposition *x, const struct stats *sum)
{
	exposition_family(x, "finwall_packets_by_reason", METRIC_COUNTER, NULL,
	                  "Packets by the reason of their connection state; one per packet");
	for (unsigned r = 0; r < REASONS_LEN; r++) {
		const char *name = reason_name(r);

		exposition_sample(x,
		                  LABELS({ "protocol", reason_protocol(name) },
		                         { "state", ct_state_name(reason_state(r)) },
		                         { "reason", name }),
		                  stat_get(&sum->reason[r]));
	}
	exposition_family(x, "finwall_connection_events", METRIC_COUNTER, NULL,
	                  "Events of live and remembered connections");
	for (unsigned e = 0; e < EVENTS_LEN; e++) {
		exposition_sample(x, LABELS({ "event", stat_event_name(e) }),
		                  stat_get(&sum->event[e]));
	}
}

static void late_metrics(struct exposition *x, const struct stats *sum)
{
	exposition_family(x, "finwall_late_closes", METRIC_COUNTER, NULL,
	                  "Late closes by policy and what it decided, or would have decided");
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		for (unsigned c = 0; c < LATE_CASES_LEN; c++) {
			for (unsigned passed = 0; passed < 2; passed++) {
				exposition_sample(
					x,
					LABELS({ "policy", late_policy_name(p) },
				               { "case", late_case_name(c) },
				               { "result", passed != 0 ? "passed" : "refused" }),
					stat_get(&sum->late[p][c][passed]));
			}
		}
	}
}

static void compare_metrics(struct exposition *x, const struct metrics_sources *m)
{
	struct compare_stats sum = { 0 };

	if (!m->compares_kernel) {
		return;
	}
	for (uint32_t i = 0; i < m->workers->len; i++) {
		compare_sum(&sum, &m->workers->at[i].comparer.stats);
	}
	exposition_family(x, "finwall_compared_packets", METRIC_COUNTER, NULL,
	                  "Packets by the comparison with the kernel's tracker");
	for (unsigned c = 0; c < COMPARES_LEN; c++) {
		exposition_sample(x, LABELS({ "result", compare_name(c) }),
		                  stat_get(&sum.result[c]));
	}
}

/* The number of a queue, as a label. */
struct queue_name {
	char text[8];
};

static struct queue_name queue_name(const struct worker *w)
{
	struct queue_name n;

	(void)snprintf(n.text, sizeof(n.text), "%u", (unsigned)w->queue);
	return n;
}

/* The kernel's counters; a queue whose line cannot be read is left out. */
static void kernel_queue_metrics(struct exposition *x, const struct workers *ws)
{
	struct nfq_proc *procs = calloc(ws->len, sizeof(*procs));
	bool *is_read = calloc(ws->len, sizeof(*is_read));

	for (uint32_t i = 0; procs != NULL && is_read != NULL && i < ws->len; i++) {
		is_read[i] = nfq_proc_read(ws->at[i].queue, &procs[i]) == 0;
	}
	exposition_family(x, "finwall_queue_waiting_packets", METRIC_GAUGE, NULL,
	                  "Packets that wait in the kernel for a verdict");
	for (uint32_t i = 0; is_read != NULL && i < ws->len; i++) {
		if (is_read[i]) {
			exposition_sample(x, LABELS({ "queue", queue_name(&ws->at[i]).text }),
			                  procs[i].waiting);
		}
	}
	exposition_family(x, "finwall_queue_lost_packets", METRIC_COUNTER, NULL,
	                  "Packets that the kernel did not deliver: queue full, or buffer full");
	for (uint32_t i = 0; is_read != NULL && i < ws->len; i++) {
		if (is_read[i]) {
			struct queue_name q = queue_name(&ws->at[i]);

			exposition_sample(x, LABELS({ "queue", q.text }, { "cause", "queue" }),
			                  procs[i].dropped);
			exposition_sample(x, LABELS({ "queue", q.text }, { "cause", "buffer" }),
			                  procs[i].user_dropped);
		}
	}
	free(procs);
	free(is_read);
}

static void queue_metrics(struct exposition *x, const struct workers *ws)
{
	kernel_queue_metrics(x, ws);
	exposition_family(x, "finwall_queue_events", METRIC_COUNTER, NULL,
	                  "Counters of the workers, by queue");
	for (uint32_t i = 0; i < ws->len; i++) {
		for (unsigned c = 0; c < NFQ_COUNTS_LEN; c++) {
			exposition_sample(x,
			                  LABELS({ "queue", queue_name(&ws->at[i]).text },
			                         { "event", nfq_count_name(c) }),
			                  stat_get(&ws->at[i].nfq.count[c]));
		}
	}
}

/* Cumulative buckets; the sum takes each value as the middle of its bucket, 3 % off at most. */
static void latency_histogram(struct exposition *x, const struct label *labels,
                              const struct histogram *h)
{
	uint64_t bound = LATENCY_BOUND_FIRST_NS;
	unsigned bounds = 0;
	uint64_t count = 0;
	double sum_ns = 0;

	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		uint64_t n = atomic_load_explicit(&h->bucket[b], memory_order_relaxed);
		uint64_t last = histogram_bucket_max(b);
		uint64_t first = b == 0 ? 0 : histogram_bucket_max(b - 1) + 1;

		while (bounds < LATENCY_BOUNDS_LEN && first >= bound) {
			exposition_bucket(x, labels, bound, count);
			bound *= 2;
			bounds++;
		}
		count += n;
		sum_ns += (double)n * ((double)first + (double)last) / 2;
	}
	exposition_bucket(x, labels, UINT64_MAX, count);
	exposition_histogram_end(x, labels, count, sum_ns / (double)NSEC_PER_SEC);
}

static void latency_metrics(struct exposition *x, const struct workers *ws)
{
	exposition_family(x, "finwall_packet_latency_seconds", METRIC_HISTOGRAM, "seconds",
	                  "Waiting times of packets; filled with the setting queue latency on");
	for (uint32_t i = 0; i < ws->len; i++) {
		const struct worker *w = &ws->at[i];
		struct queue_name q = queue_name(w);

		latency_histogram(x, LABELS({ "queue", q.text }, { "until", "decision" }),
		                  &w->decide_ns);
		latency_histogram(x, LABELS({ "queue", q.text }, { "until", "verdict" }),
		                  &w->verdict_ns);
	}
}

struct rule_pass {
	struct exposition *x;
	bool wants_bytes;
};

static void add_rule(void *ctx, const struct config_counter *c)
{
	const struct rule_pass *pass = ctx;
	char position[16];

	(void)snprintf(position, sizeof(position), "%u", c->position);
	exposition_sample(pass->x,
	                  LABELS({ "family", c->family }, { "table", c->table },
	                         { "chain", c->chain }, { "position", position },
	                         { "rule", c->comment != NULL ? c->comment : c->text }),
	                  pass->wants_bytes ? c->bytes : c->packets);
}

static void rule_metrics(struct exposition *x, const struct generation *g)
{
	const struct ruleset_counters *const *ctr =
		(const struct ruleset_counters *const *)g->shared.counters;
	struct rule_pass pass = { .x = x };

	exposition_family(x, "finwall_rule_packets", METRIC_COUNTER, NULL,
	                  "Packets that rules with a counter matched, since the last reload");
	(void)config_each_counter(g->config, ctr, g->workers_len, add_rule, &pass);
	pass.wants_bytes = true;
	exposition_family(x, "finwall_rule_bytes", METRIC_COUNTER, "bytes",
	                  "Bytes that rules with a counter matched, since the last reload");
	(void)config_each_counter(g->config, ctr, g->workers_len, add_rule, &pass);
}

static void set_metrics(struct exposition *x, const struct generation *g)
{
	exposition_family(x, "finwall_set_elements", METRIC_GAUGE, NULL, "Elements of named sets");
	for (const struct named_set *s = named_set_next(g->config, NULL); s != NULL;
	     s = named_set_next(g->config, s)) {
		struct named_set_info info;

		named_set_info(s, &info);
		exposition_sample(x,
		                  LABELS({ "family", info.family }, { "table", info.table },
		                         { "set", info.name }),
		                  info.len);
	}
}

static void hook_metrics(struct exposition *x, const struct metrics_sources *m)
{
	exposition_family(x, "finwall_hook_rules_fault", METRIC_GAUGE, NULL,
	                  "1 for what is wrong with the hook rules; none: nothing");
	for (unsigned f = 0; f < HOOK_FAULTS_LEN; f++) {
		exposition_sample(x, LABELS({ "fault", hook_fault_name(f) }),
		                  m->hook_watch->fault == f);
	}
	counter(x, "finwall_hook_rules_losses", "How often packets were no longer queued",
	        m->hook_watch->losses);
	gauge(x, "finwall_raw_sender_running", "1: the process that sends resets and errors runs",
	      m->raw_sender->raw.pid > 0);
	counter(x, "finwall_raw_sender_restarts", "Restarts of that process",
	        m->raw_sender->restarts);
}

static void control_metrics(struct exposition *x, const struct metrics_sources *m)
{
	struct control_usage u = { 0 };

	control_usage(*m->control, &u);
	gauge(x, "finwall_event_readers", "Clients that read events", u.event_readers);
	counter(x, "finwall_events_skipped", "Events not sent because a client read too slowly",
	        u.events_skipped);
}

static void own_metrics(struct exposition *x, const struct metrics_own *own)
{
	counter(x, "finwall_metrics_requests", "Collections of metrics", own->scrapes);
	counter(x, "finwall_metrics_refused_clients",
	        "Clients of the metrics server that were too many, too slow or invalid",
	        own->refused);
	exposition_family(x, "finwall_metrics_collect_seconds", METRIC_GAUGE, "seconds",
	                  "Time that the last collection took");
	exposition_sample_f(x, NULL, (double)own->last_ns / (double)NSEC_PER_SEC);
}
