/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cluster's start, clock, commands and state. See cluster.h; node.h has the parts. */
#include "cluster.h"

#include "node.h"
#include "tls.h"

#include "io/clock.h"
#include "io/file.h"
#include "io/log.h"
#include "io/mem.h"
#include "io/wakeup.h"
#include "workers.h"

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often a node's line is written, and the others' are read. */
#define LINE_NS NSEC_PER_SEC

/* A node whose line is older is gone. */
#define ALIVE_MS 5000

#define GROUP_DEFAULT "default"

/* Entries copied at a time. */
#define SLICE_LEN 256

static void on_tick(evutil_socket_t fd, short what, void *arg);
static void on_wake(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_ready_out(void *ctx);
static void on_lost_out(void *ctx);
static void on_ready_in(void *ctx);
static void on_lost_in(void *ctx);

bool cluster_is_built(void)
{
	return true;
}

const char *cluster_problem(const struct settings *s)
{
	return s->cluster_tls == 0 || tls_is_built()
	               ? NULL
	               : "cluster tls is on, but this build has no TLS: it was made without "
	                 "hiredis_ssl (hiredis 1.0 or newer); set it off, and use a tunnel to the "
	                 "engine such as stunnel";
}

/* The host's name as a node's: without its domain, and with letters that a name may have. */
static void host_name(char out[static NODE_NAME_SIZE])
{
	char name[256] = "";
	size_t len;

	(void)gethostname(name, sizeof(name) - 1);
	name[strcspn(name, ".")] = '\0';
	len = strlen(name) < 32 ? strlen(name) : 32;
	for (size_t i = 0; i < len; i++) {
		char ch = name[i];
		bool is_letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		                 (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';

		out[i] = is_letter ? ch : '-';
	}
	(void)snprintf(out + len, NODE_NAME_SIZE - len, "%s", len == 0 ? "node" : "");
}

static char *copy_or_null(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

/* The first line of the file. */
static int read_password(struct cluster *c, const char *path)
{
	size_t size;
	char *text = path != NULL ? file_reader.read(file_reader.ctx, path, &size) : NULL;

	if (path == NULL) {
		return 0;
	}
	if (text == NULL) {
		int err = -errno;

		log_write(c->log, LOG_LEVEL_ERROR, "cluster password-file %s: %s", path,
		          strerror(-err));
		return err;
	}
	c->password = strndup(text, strcspn(text, "\r\n"));
	free(text);
	return c->password != NULL ? 0 : -ENOMEM;
}

static int make_ports(struct cluster *c)
{
	c->wake_fd = wakeup_open();
	if (c->wake_fd < 0) {
		return c->wake_fd;
	}
	c->timer_fd = wakeup_timer_open();
	if (c->timer_fd < 0) {
		return c->timer_fd;
	}
	c->ports = calloc(c->workers->len, sizeof(struct cluster_port *));
	if (c->ports == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->workers->len; i++) {
		struct cluster_port *p = mem_map(sizeof(*p));

		if (p == NULL) {
			return -ENOMEM;
		}
		p->wake_fd = c->wake_fd;
		p->hold_us = c->hold_ms * 1000;
		c->ports[i] = p;
		c->ports_len++;
		c->workers->at[i].cluster = p;
	}
	return 0;
}

static int make_sources(struct cluster *c)
{
	struct timeval every = { .tv_sec = c->interval_ms / 1000,
		                 .tv_usec = c->interval_ms % 1000 * 1000 };

	c->wake = event_new(c->base, c->wake_fd, EV_READ | EV_PERSIST, on_wake, c);
	c->timer = event_new(c->base, c->timer_fd, EV_READ | EV_PERSIST, on_timer, c);
	c->tick = event_new(c->base, -1, EV_PERSIST, on_tick, c);
	if (c->wake == NULL || c->timer == NULL || c->tick == NULL ||
	    event_add(c->wake, NULL) != 0 || event_add(c->timer, NULL) != 0 ||
	    event_add(c->tick, &every) != 0) {
		return -ENOMEM;
	}
	return 0;
}

static int make_connections(struct cluster *c)
{
	struct redis_params params = {
		.base = c->base,
		.log = c->log,
		.name = "cluster",
		.servers = c->servers,
		.user = c->user,
		.password = c->password,
		.tls = c->tls,
		.ready = on_ready_out,
		.lost = on_lost_out,
		.ctx = c,
	};

	c->out = redis_new(&params);
	params.name = NULL;
	params.ready = on_ready_in;
	params.lost = on_lost_in;
	c->in = redis_new(&params);
	return c->out != NULL && c->in != NULL ? 0 : -ENOMEM;
}

static int make(struct cluster *c, const struct settings *s)
{
	int err;

	c->servers = strdup(s->cluster_engine);
	c->user = copy_or_null(s->cluster_user);
	c->message = malloc(MESSAGE_SIZE);
	c->commands = malloc(COMMANDS_SIZE);
	c->worker = aligned_alloc(_Alignof(struct engine_worker),
	                          (sizeof(struct engine_worker) + 63) / 64 * 64);
	if (c->servers == NULL || c->message == NULL || c->commands == NULL || c->worker == NULL ||
	    (c->user == NULL && s->cluster_user != NULL)) {
		return -ENOMEM;
	}
	memset(c->worker, 0, sizeof(*c->worker));
	c->apply.worker = c->worker;
	c->apply.takes_sets = s->cluster_sets != 0;
	c->shares_sets = s->cluster_sets != 0;
	c->interval_ms = s->cluster_interval_ms;
	c->hold_ms = s->cluster_timeout_ms;
	c->snapshot_s = s->cluster_snapshot_s;
	c->holds = s->cluster_replicate == REPLICATE_BEFORE_ACCEPT;
	(void)snprintf(c->group, sizeof(c->group), "%s",
	               s->cluster_group != NULL ? s->cluster_group : GROUP_DEFAULT);
	if (s->cluster_node != NULL) {
		(void)snprintf(c->node, sizeof(c->node), "%s", s->cluster_node);
	} else {
		host_name(c->node);
	}
	(void)snprintf(c->nodes_key, sizeof(c->nodes_key), "finwall:{%s}:nodes", c->group);
	(void)snprintf(c->stream_key, sizeof(c->stream_key), "finwall:{%s}:s:%s", c->group,
	               c->node);
	err = mem_random(&c->run, sizeof(c->run));
	if (err == 0) {
		err = read_password(c, s->cluster_password);
	}
	if (err == 0 && s->cluster_tls != 0) {
		const struct tls_params params = {
			.ca = s->cluster_tls_ca,
			.certificate = s->cluster_tls_certificate,
			.key = s->cluster_tls_key,
		};

		c->tls = tls_new(&params, c->log);
		err = c->tls != NULL ? 0 : -EINVAL;
	}
	if (err == 0) {
		err = make_ports(c);
	}
	if (err == 0) {
		err = make_sources(c);
	}
	return err == 0 ? make_connections(c) : err;
}

int cluster_start(const struct cluster_env *env, const struct settings *s, struct cluster **out)
{
	struct cluster *c;
	int err;

	*out = NULL;
	if (s->cluster_engine == NULL) {
		return 0;
	}
	c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);
	if (c == NULL) {
		return -ENOMEM;
	}
	memset(c, 0, sizeof(*c));
	c->base = env->base;
	c->log = env->log;
	c->workers = env->workers;
	c->wake_fd = -1;
	c->timer_fd = -1;
	c->apply = (struct apply_env){
		.engine = env->engine,
		.workers = env->workers,
		.set_changes = env->set_changes,
		.log = env->log,
	};
	err = make(c, s);
	if (err != 0) {
		log_write(env->log, LOG_LEVEL_ERROR, "cannot set up the cluster: %s",
		          strerror(-err));
		cluster_stop(c);
		return err;
	}
	*out = c;
	return 0;
}

void cluster_apply(struct cluster *c, const struct policy *policy, struct config *config)
{
	if (c != NULL) {
		c->worker->policy = policy;
		c->apply.config = config;
	}
}

void cluster_stop(struct cluster *c)
{
	if (c == NULL) {
		return;
	}
	if (c->tick != NULL) {
		event_free(c->tick);
	}
	if (c->wake != NULL) {
		event_free(c->wake);
	}
	if (c->timer != NULL) {
		event_free(c->timer);
	}
	if (c->out != NULL && redis_is_ready(c->out)) {
		/* What the socket takes at once; the rest is repaired by the next start. */
		c->is_near = false; /* at once */
		publish_flush(c, clock_now());
		redis_push(c->out);
	}
	redis_free(c->out);
	c->out = NULL;
	redis_free(c->in);
	c->in = NULL;
	subscribe_fini(c);
	for (uint32_t i = 0; i < c->ports_len; i++) {
		c->workers->at[i].cluster = NULL;
		mem_unmap(c->ports[i], sizeof(*c->ports[i]));
	}
	free(c->ports);
	wakeup_close(c->wake_fd);
	wakeup_close(c->timer_fd);
	tls_free(c->tls);
	free(c->servers);
	free(c->user);
	free(c->password);
	free(c->message);
	free(c->commands);
	free(c->worker);
	free(c);
}

/* the clock, and the list of nodes */

static void on_time(void *ctx, const struct redisReply *reply, const char *error)
{
	struct cluster *c = ctx;
	int64_t own_ms = clock_now().ns / NSEC_PER_MSEC;

	if (error != NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->str == NULL || reply->element[1]->str == NULL) {
		return;
	}
	c->clock_ms = (int64_t)strtoull(reply->element[0]->str, NULL, 10) * 1000 +
	              (int64_t)strtoull(reply->element[1]->str, NULL, 10) / 1000 - own_ms;
	c->has_clock = true;
}

static void on_nodes(void *ctx, const struct redisReply *reply, const char *error)
{
	struct cluster *c = ctx;
	struct mono now = clock_now();

	if (error != NULL || reply->type != REDIS_REPLY_ARRAY || !c->has_clock) {
		return;
	}
	subscribe_nodes(c, reply, now);
	c->has_listed = true;
	publish_line(c, now);
}

static void announce(struct cluster *c, struct mono now)
{
	const char *time[] = { "TIME" };
	const char *list[] = { "HGETALL", c->nodes_key };

	c->announced_ns = now.ns;
	(void)redis_command(c->out, on_time, c, 1, time, NULL);
	(void)redis_command(c->out, on_nodes, c, 2, list, NULL);
}

static void on_ready_out(void *ctx)
{
	struct cluster *c = ctx;
	struct mono now = clock_now();

	publish_begin(c, now);
	announce(c, now);
}

static void on_lost_out(void *ctx)
{
	struct cluster *c = ctx;

	publish_end(c);
	subscribe_lost_out(c);
}

static void on_ready_in(void *ctx)
{
	subscribe_tick(ctx, clock_now());
}

static void on_lost_in(void *ctx)
{
	subscribe_lost_in(ctx);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *c = arg;
	struct mono now = clock_now();

	(void)fd;
	(void)what;
	redis_tick(c->out, now.ns);
	redis_tick(c->in, now.ns);
	publish_flush(c, now);
	publish_watch(c, now);
	if (redis_is_ready(c->out) && now.ns - c->announced_ns >= LINE_NS) {
		announce(c, now);
	}
	publish_snapshot(c, now);
	subscribe_tick(c, now);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *c = arg;

	(void)fd;
	(void)what;
	wakeup_take(c->wake_fd);
	publish_flush(c, clock_now());
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *c = arg;

	(void)fd;
	(void)what;
	wakeup_take(c->timer_fd);
	publish_flush(c, clock_now());
}

/* commands */

/* Space for a record, or NULL: then the next snapshot repairs it. */
static uint8_t *command_space(struct cluster *c, size_t size)
{
	if (!redis_is_ready(c->out) || COMMANDS_SIZE - c->commands_size < size) {
		c->counts.dropped++;
		c->wants_snapshot = true;
		return NULL;
	}
	return c->commands + c->commands_size;
}

static void add_command(struct cluster *c, size_t size)
{
	c->commands_size += size;
	c->commands_len++;
}

void cluster_note_deleted(struct cluster *c, const struct flowkey *key,
                          enum engine_delete_mode mode)
{
	uint8_t *to = c != NULL ? command_space(c, CLUSTER_DELETED_SIZE) : NULL;

	if (to != NULL) {
		cluster_write_deleted(mode, key, to);
		add_command(c, CLUSTER_DELETED_SIZE);
	}
}

void cluster_note_flushed(struct cluster *c, enum engine_delete_mode mode)
{
	uint8_t *to = c != NULL ? command_space(c, CLUSTER_FLUSHED_SIZE) : NULL;

	if (to != NULL) {
		cluster_write_flushed(mode, to);
		add_command(c, CLUSTER_FLUSHED_SIZE);
	}
}

void cluster_note_set(struct cluster *c, bool is_added, const char *table, const char *set,
                      const char *element)
{
	uint8_t *to = c != NULL && c->shares_sets
	                      ? command_space(c, CLUSTER_HEAD_SIZE + CLUSTER_SET_MAX)
	                      : NULL;
	size_t size;

	if (to == NULL) {
		return;
	}
	size = cluster_write_set(is_added ? CLUSTER_SET_ADD : CLUSTER_SET_DELETE, table, set,
	                         element, to);
	if (size == 0) {
		log_write(c->log, LOG_LEVEL_WARNING,
		          "cluster: an element of set %s is too long for the other nodes", set);
		return;
	}
	add_command(c, size);
}

/* state */

static int64_t line_age_ms(const struct cluster *c, const struct peer *p, struct mono now)
{
	return c->has_clock ? (int64_t)(cluster_time_ms(c, now) - p->line.time_ms) : -1;
}

static bool is_alive(const struct cluster *c, const struct peer *p, struct mono now)
{
	int64_t age_ms = line_age_ms(c, p, now);

	return age_ms >= -ALIVE_MS && age_ms <= ALIVE_MS && c->has_clock;
}

bool cluster_usage(struct cluster *c, struct cluster_usage *out)
{
	struct mono now = clock_now();

	if (c == NULL) {
		return false;
	}
	*out = (struct cluster_usage){
		.is_connected = redis_is_ready(c->out),
		.is_suspended = c->is_suspended,
		.records_out = c->counts.records_out,
		.messages_out = c->counts.messages_out,
		.bytes_out = c->counts.bytes_out,
		.dropped = c->counts.dropped,
		.refused = c->counts.refused,
		.snapshots = c->counts.snapshots,
		.connections = c->counts.connections,
		.suspensions = c->counts.suspensions,
		.duplicates = c->counts.duplicates,
	};
	for (unsigned i = 0; i < c->peers_len; i++) {
		const struct peer *p = c->peers[i];

		out->nodes += is_alive(c, p, now);
		out->records_in += p->stream.counts.records;
		out->messages_in += p->stream.counts.messages;
		out->gaps += p->stream.counts.gaps;
		out->invalid += p->stream.counts.invalid + p->stream.counts.refused;
		out->lag_ms = p->lag_ms > out->lag_ms ? p->lag_ms : out->lag_ms;
	}
	return true;
}

static void count_entries(struct cluster *c, uint64_t *own, uint64_t *replicated)
{
	struct engine_cursor at = { 0 };
	struct flow flows[SLICE_LEN];
	struct mono now = clock_now();

	*own = 0;
	*replicated = 0;
	while (!engine_list_is_over(c->apply.engine, &at)) {
		size_t len = engine_list_flows(c->apply.engine, &at, now, flows, SLICE_LEN);

		for (size_t i = 0; i < len; i++) {
			bool is_replicated = (flows[i].probes & FLOW_PROBE_REPLICATED) != 0;

			*replicated += is_replicated;
			*own += !is_replicated;
		}
	}
}

static json_int_t number(uint64_t n)
{
	return (json_int_t)n;
}

static json_t *peer_json(const struct cluster *c, const struct peer *p, struct mono now)
{
	const struct apply_counts *n = &p->stream.counts;
	json_t *o = json_pack("{s:s, s:b, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	                      "name", p->name, "alive", is_alive(c, p, now), "seen_ms_ago",
	                      (json_int_t)line_age_ms(c, p, now), "version", (int)p->line.version,
	                      "lag_ms", (json_int_t)p->lag_ms, "lag_max_ms",
	                      (json_int_t)p->lag_max_ms, "messages", number(n->messages), "records",
	                      number(n->records), "commands", number(n->commands), "gaps",
	                      number(n->gaps), "refused", number(n->refused), "invalid",
	                      number(n->invalid), "unknown", number(n->unknown));

	json_object_set_new(o, "snapshot", json_integer(p->snapshot_generation));
	json_object_set_new(
		o, "outcomes",
		json_pack("{s:I, s:I, s:I, s:I, s:I}", "taken", number(n->outcome[PEER_TAKEN]),
	                  "merged", number(n->outcome[PEER_MERGED]), "ended",
	                  number(n->outcome[PEER_ENDED]), "older", number(n->outcome[PEER_OLDER]),
	                  "full", number(n->outcome[PEER_FULL])));
	return o;
}

/* Quantiles in microseconds. */
static json_t *quantiles_json(const struct histogram *h)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "count", number(histogram_count(h)), "p50_us",
	                 number(histogram_quantile(h, 500000) / 1000), "p99_us",
	                 number(histogram_quantile(h, 990000) / 1000), "max_us",
	                 number(histogram_quantile(h, 1000000) / 1000));
}

static json_t *held_json(const struct cluster *c)
{
	uint64_t late = 0;
	uint64_t full = 0;
	struct histogram *sum = calloc(1, sizeof(*sum));
	json_t *o;

	if (sum == NULL) {
		return json_null();
	}
	for (uint32_t i = 0; i < c->workers->len; i++) {
		const struct worker *w = &c->workers->at[i];

		late += stat_get(&w->pending_late);
		full += stat_get(&w->pending_full);
		histogram_sum(sum, &w->pending_ns);
	}
	o = quantiles_json(sum);
	json_object_set_new(o, "late", json_integer(number(late)));
	json_object_set_new(o, "not_held", json_integer(number(full)));
	free(sum);
	return o;
}

json_t *cluster_json(struct cluster *c)
{
	struct mono now = clock_now();
	const struct cluster_counts *n;
	json_t *nodes;
	uint64_t own;
	uint64_t replicated;
	json_t *o;

	if (c == NULL) {
		return json_pack("{s:b}", "on", false);
	}
	n = &c->counts;
	nodes = json_array();
	for (unsigned i = 0; i < c->peers_len; i++) {
		json_array_append_new(nodes, peer_json(c, c->peers[i], now));
	}
	count_entries(c, &own, &replicated);
	o = json_pack("{s:b, s:s, s:s, s:b, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:o}", "on", true,
	              "group", c->group, "node", c->node, "connected", redis_is_ready(c->out),
	              "engine", redis_server(c->out), "problem", redis_problem(c->out), "replicate",
	              c->holds ? "before-accept" : "async", "suspended", c->is_suspended, "own",
	              number(own), "replicated", number(replicated), "nodes_ignored",
	              number(c->peers_ignored), "nodes", nodes);
	json_object_set_new(o, "out",
	                    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages",
	                              number(n->messages_out), "records", number(n->records_out),
	                              "bytes", number(n->bytes_out), "dropped", number(n->dropped),
	                              "refused", number(n->refused), "snapshots",
	                              number(n->snapshots), "connections", number(n->connections),
	                              "suspensions", number(n->suspensions)));
	json_object_set_new(o, "snapshots_read", json_integer(number(n->snapshots_read)));
	json_object_set_new(o, "swept", json_integer(number(n->swept)));
	json_object_set_new(o, "duplicates", json_integer(number(n->duplicates)));
	json_object_set_new(o, "acknowledged", quantiles_json(&c->ack_ns));
	json_object_set_new(o, "lag", quantiles_json(&c->lag_ns));
	json_object_set_new(o, "held", held_json(c));
	return o;
}
