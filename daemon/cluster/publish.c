/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this node sends: messages of changes, snapshots in chunks, its line in the list of nodes.
 * See node.h for the keys.
 */
#include "node.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/nfq_sock.h"
#include "io/wakeup.h"
#include "workers.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of the stream at most, whatever happens; snapshots trim it to far fewer. */
#define STREAM_LEN "100000"

/* Messages without an answer: more are sent at the next answer. In bytes, too: then changes stay in
 * the rings, which count what does not fit. */
#define UNANSWERED_MAX 8
#define BACKLOG_MAX    (16u << 20)

/*
 * While packets wait for it, an engine that answers faster than NEAR_NS gets the next message when
 * it has acknowledged the one before, and not sooner than SPACING_NS after it: a message for each
 * batch of packets would cost most where there are most connections. The first packet after a pause
 * is not delayed by this.
 */
#define NEAR_NS    NSEC_PER_MSEC
#define SPACING_NS (NSEC_PER_MSEC / 2)

/* Records of a chunk, and chunks without an answer. */
#define CHUNK_LEN         256
#define CHUNKS_UNANSWERED 4

/* An engine that has not answered for so long does not keep packets waiting. */
#define SLOW_NS (100 * NSEC_PER_MSEC)

/* The line of this node before its restart is waited for so long. */
#define SELF_WAIT_NS (10 * NSEC_PER_SEC)

/* A node that is gone is forgotten by the engine after this time. */
#define KEY_TTL_S "86400"

/* A message on its way. */
struct sent {
	struct cluster *cluster;
	struct mono when;
	uint64_t up_to[]; /* of each port */
};

/* Messages that may be without an answer now. */
static unsigned unanswered_max(const struct cluster *c)
{
	return c->holds && c->is_near ? 1 : UNANSWERED_MAX;
}

static bool is_too_soon(const struct cluster *c, struct mono now)
{
	return c->holds && c->is_near && now.ns - c->sent_ns < SPACING_NS;
}

/* Packets that wait for records up to the number need not any more. */
static void make_safe(struct cluster *c, uint32_t port, uint64_t up_to)
{
	struct cluster_port *p = c->ports[port];
	struct worker *w = &c->workers->at[port];

	if (up_to <= atomic_load_explicit(&p->safe, memory_order_relaxed)) {
		return;
	}
	atomic_store_explicit(&p->safe, up_to, memory_order_release);
	/* See answer_pending() of worker.c. */
	atomic_thread_fence(memory_order_seq_cst);
	if (w->pending != NULL && pending_len(w->pending) > 0) {
		nfq_sock_wake(w->sock);
	}
}

static void set_mode(struct cluster *c, enum cluster_mode mode)
{
	for (uint32_t i = 0; i < c->ports_len; i++) {
		atomic_store_explicit(&c->ports[i]->mode, mode, memory_order_relaxed);
	}
}

/* Nothing that was noted until now will be sent. */
static void drop_noted(struct cluster *c)
{
	for (uint32_t i = 0; i < c->ports_len; i++) {
		while (cluster_port_peek(c->ports[i]) != NULL) {
			cluster_port_take(c->ports[i]);
			c->counts.dropped++;
		}
		make_safe(c, i, atomic_load_explicit(&c->ports[i]->taken, memory_order_relaxed));
	}
}

void publish_end(struct cluster *c)
{
	set_mode(c, CLUSTER_MODE_OFF);
	drop_noted(c);
	c->commands_size = 0;
	c->commands_len = 0;
	c->writing.is_on = false;
	c->has_clock = false;
}

void publish_watch(struct cluster *c, struct mono now)
{
	if (!c->holds || !redis_is_ready(c->out)) {
		return;
	}
	if (!c->is_suspended && c->unanswered > 0 && now.ns - c->answered_ns > SLOW_NS) {
		c->is_suspended = true;
		c->counts.suspensions++;
		set_mode(c, CLUSTER_MODE_ASYNC);
		log_write(c->log, LOG_LEVEL_WARNING,
		          "cluster: the engine is slow; packets do not wait for it");
	} else if (c->is_suspended && c->unanswered == 0) {
		c->is_suspended = false;
		set_mode(c, CLUSTER_MODE_HOLD);
		log_write(c->log, LOG_LEVEL_NOTICE, "cluster: packets wait for the engine again");
	}
}

static void on_added(void *ctx, const struct redisReply *reply, const char *error)
{
	struct sent *s = ctx;
	struct cluster *c = s->cluster;
	struct mono now = clock_now();

	c->unanswered -= c->unanswered > 0;
	c->answered_ns = now.ns;
	c->is_near = mono_diff(now, s->when) < NEAR_NS;
	for (uint32_t i = 0; i < c->ports_len; i++) {
		make_safe(c, i, s->up_to[i]);
	}
	if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
		histogram_add(&c->ack_ns, (uint64_t)mono_diff(now, s->when), 1);
		(void)snprintf(c->last_id, sizeof(c->last_id), "%s", reply->str);
	} else {
		c->counts.refused++;
		c->is_lossy = true;
		c->wants_snapshot = true;
	}
	free(s);
	if (error != NULL &&
	    (strncmp(error, "READONLY", 8) == 0 || strncmp(error, "LOADING", 7) == 0)) {
		redis_reject(c->out, error);
		return;
	}
	if (redis_is_ready(c->out)) {
		publish_flush(c, now);
	}
}

/* Copies the records that wait into the message. Returns its size. */
static size_t fill_message(struct cluster *c, uint32_t *records)
{
	size_t size = CLUSTER_HEADER_SIZE;
	uint32_t len = 0;

	for (uint32_t i = 0; i < c->ports_len; i++) {
		/* each has its share, so that none keeps another one waiting */
		uint32_t share = RECORDS_MAX / c->ports_len + 1;
		const uint8_t *record;

		while (share-- > 0 && len < RECORDS_MAX &&
		       (record = cluster_port_peek(c->ports[i])) != NULL) {
			memcpy(c->message + size, record, CLUSTER_FLOW_SIZE);
			size += CLUSTER_FLOW_SIZE;
			len++;
			cluster_port_take(c->ports[i]);
		}
	}
	/* Behind the changes that were noted before them. */
	memcpy(c->message + size, c->commands, c->commands_size);
	size += c->commands_size;
	len += c->commands_len;
	c->commands_size = 0;
	c->commands_len = 0;
	*records = len;
	return size;
}

static bool send_message(struct cluster *c, size_t size, uint32_t records, struct mono now)
{
	const char *args[] = { "XADD",     c->stream_key, "MAXLEN", "~",
		               STREAM_LEN, "*",           "d",      (const char *)c->message };
	size_t sizes[] = { 4, strlen(c->stream_key), 6, 1, strlen(STREAM_LEN), 1, 1, size };
	struct sent *s = malloc(sizeof(*s) + c->ports_len * sizeof(s->up_to[0]));
	const struct cluster_header h = {
		.run = c->run,
		.seq = c->seq + 1,
		.time_ms = cluster_time_ms(c, now),
		.flags = c->is_lossy ? CLUSTER_IS_LOSSY : 0,
		.records_len = records,
	};

	if (s == NULL) {
		return false;
	}
	cluster_write_header(&h, c->message);
	s->cluster = c;
	s->when = now;
	for (uint32_t i = 0; i < c->ports_len; i++) {
		s->up_to[i] = atomic_load_explicit(&c->ports[i]->taken, memory_order_relaxed);
	}
	if (!redis_command(c->out, on_added, s, 8, args, sizes)) {
		free(s);
		return false;
	}
	c->seq++;
	c->sent_ns = now.ns;
	c->is_lossy = false;
	if (c->unanswered++ == 0) {
		c->answered_ns = now.ns;
	}
	c->counts.messages_out++;
	c->counts.records_out += records;
	c->counts.bytes_out += size;
	return true;
}

static void note_lost(struct cluster *c)
{
	for (uint32_t i = 0; i < c->ports_len; i++) {
		uint64_t lost =
			atomic_exchange_explicit(&c->ports[i]->lost, 0, memory_order_relaxed);

		if (lost != 0) {
			c->counts.dropped += lost;
			c->is_lossy = true;
			c->wants_snapshot = true;
		}
	}
}

static bool has_records(const struct cluster *c)
{
	for (uint32_t i = 0; i < c->ports_len; i++) {
		if (cluster_port_peek(c->ports[i]) != NULL) {
			return true;
		}
	}
	return false;
}

static void set_awake(struct cluster *c, bool is_awake)
{
	for (uint32_t i = 0; i < c->ports_len; i++) {
		cluster_port_set_awake(c->ports[i], is_awake);
	}
}

/* What is there is sent a little later. */
static void delay_flush(struct cluster *c)
{
	if (has_records(c)) {
		set_awake(c, true);
		wakeup_timer_set(c->timer_fd, (struct mono){ c->sent_ns + SPACING_NS });
	}
}

void publish_begin(struct cluster *c, struct mono now)
{
	drop_noted(c);
	c->unanswered = 0;
	c->is_near = false;
	set_awake(c, false);
	c->is_suspended = false;
	c->is_lossy = c->seq != 0;
	c->wants_snapshot = true;
	c->has_listed = false;
	c->has_announced = false;
	c->ready_ns = now.ns;
	c->counts.connections++;
	/* Of another engine, whose clock may be ahead of this one's. An empty message gives the
	 * position for the snapshot. */
	c->last_id[0] = '\0';
	(void)send_message(c, CLUSTER_HEADER_SIZE, 0, now);
	set_mode(c, c->holds ? CLUSTER_MODE_HOLD : CLUSTER_MODE_ASYNC);
}

void publish_flush(struct cluster *c, struct mono now)
{
	if (!redis_is_ready(c->out)) {
		drop_noted(c);
		return;
	}
	note_lost(c);
	if (c->unanswered >= unanswered_max(c)) {
		/* The answer comes back here. */
		set_awake(c, true);
		return;
	}
	set_awake(c, false);
	if (is_too_soon(c, now)) {
		delay_flush(c);
		return;
	}
	while (c->unanswered < unanswered_max(c) && redis_backlog(c->out) < BACKLOG_MAX) {
		uint32_t records;
		size_t size = fill_message(c, &records);

		if (records == 0) {
			return;
		}
		if (!send_message(c, size, records, now)) {
			c->counts.dropped += records;
			c->is_lossy = true;
			c->wants_snapshot = true;
			return;
		}
	}
	set_awake(c, c->unanswered >= unanswered_max(c));
}

/* snapshots */

static void chunk_key(const struct cluster *c, unsigned slot, char out[static NODE_KEY_SIZE])
{
	(void)snprintf(out, NODE_KEY_SIZE, "finwall:{%s}:c:%s:%u", c->group, c->node, slot);
}

static void finish_snapshot(struct cluster *c, struct mono now)
{
	struct writing *w = &c->writing;
	char other[NODE_KEY_SIZE];
	const char *trim[] = { "XTRIM", c->stream_key, "MINID", "~", c->trim_id };
	const char *del[] = { "DEL", other };

	w->is_on = false;
	c->generation++;
	c->line.generation = c->generation;
	c->line.slot = w->slot;
	c->line.seq = w->seq;
	c->line.chunks = w->chunks;
	(void)snprintf(c->line.id, sizeof(c->line.id), "%s", w->id);
	c->counts.snapshots++;
	publish_line(c, now);
	/* After the line: who reads the other one has begun before. */
	chunk_key(c, 1 - w->slot, other);
	(void)redis_command(c->out, NULL, NULL, 2, del, NULL);
	/* Slow readers have one snapshot's time to catch up. */
	if (c->trim_id[0] != '\0') {
		(void)redis_command(c->out, NULL, NULL, 5, trim, NULL);
	}
	(void)snprintf(c->trim_id, sizeof(c->trim_id), "%s", w->id);
}

static void on_chunk(void *ctx, const struct redisReply *reply, const char *error)
{
	struct cluster *c = ctx;
	struct writing *w = &c->writing;

	(void)error;
	if (!w->is_on) {
		return;
	}
	w->unanswered -= w->unanswered > 0;
	if (reply == NULL) {
		/* Out of memory, most likely: the next one may fit. */
		w->is_on = false;
		c->counts.refused++;
		return;
	}
	publish_snapshot(c, clock_now());
}

static bool send_chunk(struct cluster *c, size_t size, size_t records, struct mono now)
{
	struct writing *w = &c->writing;
	char key[NODE_KEY_SIZE];
	const char *args[] = { "RPUSH", key, (const char *)c->message };
	const char *expire[] = { "EXPIRE", key, KEY_TTL_S };
	size_t sizes[] = { 5, 0, size };
	const struct cluster_header h = {
		.run = c->run,
		.seq = w->seq,
		.time_ms = cluster_time_ms(c, now),
		.flags = CLUSTER_IS_CHUNK,
		.records_len = (uint32_t)records,
	};

	chunk_key(c, w->slot, key);
	sizes[1] = strlen(key);
	cluster_write_header(&h, c->message);
	if (!redis_command(c->out, on_chunk, c, 3, args, sizes)) {
		return false;
	}
	w->unanswered++;
	if (w->chunks++ == 0) {
		(void)redis_command(c->out, NULL, NULL, 3, expire, NULL);
	}
	return true;
}

static size_t list_flows(struct cluster *c, struct mono now, uint8_t *to)
{
	struct flow flows[CHUNK_LEN];
	size_t len = engine_list_saved(c->apply.engine, &c->writing.cursor, now, flows, CHUNK_LEN);

	for (size_t i = 0; i < len; i++) {
		cluster_write_flow(CLUSTER_FLOW, 0, &flows[i], now, to + i * CLUSTER_FLOW_SIZE);
	}
	return len;
}

static size_t list_tombs(struct cluster *c, struct mono now, uint8_t *to)
{
	struct tomb_info tombs[CHUNK_LEN];
	size_t len = engine_list_tombs(c->apply.engine, &c->writing.cursor, now, tombs, CHUNK_LEN);

	for (size_t i = 0; i < len; i++) {
		cluster_write_tomb(&tombs[i], now, to + i * CLUSTER_FLOW_SIZE);
	}
	return len;
}

static void begin_snapshot(struct cluster *c, struct mono now)
{
	struct writing *w = &c->writing;
	char key[NODE_KEY_SIZE];
	const char *del[] = { "DEL", key };

	/* What is noted so far is in it anyway, but must not be missing behind its position. */
	publish_flush(c, now);
	*w = (struct writing){ .is_on = true, .slot = (c->generation + 1) % 2, .seq = c->seq + 1 };
	(void)snprintf(w->id, sizeof(w->id), "%s", c->last_id[0] != '\0' ? c->last_id : "0");
	chunk_key(c, w->slot, key);
	w->is_on = redis_command(c->out, NULL, NULL, 2, del, NULL);
	c->wants_snapshot = !w->is_on;
	c->snapshot_ns = now.ns;
}

void publish_snapshot(struct cluster *c, struct mono now)
{
	struct writing *w = &c->writing;

	if (!redis_is_ready(c->out) || !c->has_announced || !c->has_clock) {
		return;
	}
	if (!w->is_on) {
		if ((c->self != NULL && now.ns - c->ready_ns < SELF_WAIT_NS) ||
		    (!c->wants_snapshot && now.ns - c->snapshot_ns < sec_to_ns(c->snapshot_s))) {
			return;
		}
		begin_snapshot(c, now);
	}
	while (w->is_on && w->unanswered < CHUNKS_UNANSWERED) {
		uint8_t *to = c->message + CLUSTER_HEADER_SIZE;
		size_t len;

		if (engine_list_is_over(c->apply.engine, &w->cursor)) {
			if (w->lists_tombs) {
				if (w->unanswered == 0) {
					finish_snapshot(c, now);
				}
				return;
			}
			w->lists_tombs = true;
			w->cursor = (struct engine_cursor){ 0 };
		}
		len = w->lists_tombs ? list_tombs(c, now, to) : list_flows(c, now, to);
		if (len > 0 &&
		    !send_chunk(c, CLUSTER_HEADER_SIZE + len * CLUSTER_FLOW_SIZE, len, now)) {
			w->is_on = false;
		}
	}
}

void publish_line(struct cluster *c, struct mono now)
{
	const struct node_line *l = &c->line;
	char text[256];
	const char *args[] = { "HSET", c->nodes_key, c->node, text };
	const char *expire[] = { "EXPIRE", c->stream_key, KEY_TTL_S };

	(void)snprintf(text, sizeof(text), "%u %016" PRIx64 " %u %u %" PRIu64 " %s %u %" PRIu64,
	               CLUSTER_VERSION, c->run, l->generation, l->slot, l->seq,
	               l->id[0] != '\0' ? l->id : "0", l->chunks, cluster_time_ms(c, now));
	c->has_announced = redis_command(c->out, NULL, NULL, 4, args, NULL);
	(void)redis_command(c->out, NULL, NULL, 3, expire, NULL);
}
