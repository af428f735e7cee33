/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the other nodes send: their lines, their streams, their snapshots. See node.h for the keys.
 *
 * A node's snapshot is read when it is new: at first, and each time it was renewed. Meanwhile its
 * stream is read on. Afterwards entries that were not in it are deleted, and the stream is read
 * again from the snapshot's position, because the snapshot may have made live what ended since.
 * So each snapshot repairs whatever was missed, and renews the deadlines of idle connections.
 */
#include "node.h"

#include "io/clock.h"
#include "io/log.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages of each stream in one reply, and how long the engine waits for the first one. */
#define READ_COUNT "16"
#define READ_BLOCK "250" /* milliseconds */

/* Chunks that are read at once. */
#define CHUNKS_AT_ONCE 4

/* A snapshot of more chunks is not one of ours. */
#define CHUNKS_MAX (1u << 22)

/* Tries to read a node's snapshot until its stream is read without. */
#define FAILURES_MAX 3

/* A node whose line is older is not listened to. */
#define LINE_AGE_MAX_MS (INT64_C(86400) * 1000)

#define DUPLICATE_WARN_NS (60 * NSEC_PER_SEC)

static bool id_is_sound(const char *id)
{
	return id[0] != '\0' && id[strspn(id, "0123456789-")] == '\0';
}

bool node_line_read(const char *text, struct node_line *out)
{
	struct node_line l = { 0 };
	int end = 0;

	_Static_assert(STREAM_ID_SIZE == 44, "the 43 below");
	if (sscanf(text, "%u %16" SCNx64 " %u %u %" SCNu64 " %43s %u %" SCNu64 "%n", &l.version,
	           &l.run, &l.generation, &l.slot, &l.seq, l.id, &l.chunks, &l.time_ms,
	           &end) != 8 ||
	    l.slot > 1 || l.chunks > CHUNKS_MAX || !id_is_sound(l.id)) {
		return false;
	}
	*out = l;
	return true;
}

static void set_text(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from);
}

/* the list of nodes */

static struct peer *peer_new(struct cluster *c, const char *name, uint32_t node)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p != NULL) {
		set_text(p->name, sizeof(p->name), name);
		(void)snprintf(p->key, sizeof(p->key), "finwall:{%s}:s:%s", c->group, name);
		p->stream.node = node;
	}
	return p;
}

static bool name_is_sound(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return name[0] != '\0' && name[strspn(name, letters)] == '\0' &&
	       strlen(name) < NODE_NAME_SIZE;
}

static struct peer *find_peer(struct cluster *c, const char *name)
{
	struct peer *p;

	for (unsigned i = 0; i < c->peers_len; i++) {
		if (strcmp(c->peers[i]->name, name) == 0) {
			return c->peers[i];
		}
	}
	p = c->peers_len < PEERS_MAX ? peer_new(c, name, c->peers_len + 1) : NULL;
	if (p == NULL) {
		c->peers_ignored++;
		return NULL;
	}
	c->peers[c->peers_len++] = p;
	log_write(c->log, LOG_LEVEL_NOTICE, "cluster: node %s is in the group", name);
	return p;
}

/* The line in our name. Before we have written ours it is that of this node before its restart. */
static void note_own_line(struct cluster *c, const struct node_line *l, struct mono now)
{
	if (l->run == c->run) {
		return;
	}
	if (c->line.time_ms == 0) {
		c->self = peer_new(c, c->node, PEER_SELF);
		if (c->self != NULL) {
			c->self->line = *l;
		}
		/* its chunks stay while they are read */
		c->generation = l->generation;
		return;
	}
	c->counts.duplicates++;
	if (c->duplicate_ns == 0 || now.ns - c->duplicate_ns > DUPLICATE_WARN_NS) {
		c->duplicate_ns = now.ns;
		log_write(c->log, LOG_LEVEL_ERROR,
		          "cluster: another node of group %s is called %s, too: set cluster node",
		          c->group, c->node);
	}
}

void subscribe_nodes(struct cluster *c, const struct redisReply *reply, struct mono now)
{
	c->peers_ignored = 0;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const struct redisReply *name = reply->element[i];
		const struct redisReply *text = reply->element[i + 1];
		struct node_line l;
		struct peer *p;

		if (name->str == NULL || text->str == NULL || !name_is_sound(name->str) ||
		    !node_line_read(text->str, &l)) {
			continue;
		}
		if (strcmp(name->str, c->node) == 0) {
			note_own_line(c, &l, now);
			continue;
		}
		if ((int64_t)(cluster_time_ms(c, now) - l.time_ms) > LINE_AGE_MAX_MS) {
			continue;
		}
		p = find_peer(c, name->str);
		if (p != NULL) {
			p->line = l;
		}
	}
	c->line.time_ms = cluster_time_ms(c, now);
}

/* streams */

static void apply_entry(struct cluster *c, struct peer *p, const char *id, const char *bytes,
                        size_t size, struct mono now)
{
	int64_t lag_ms = (int64_t)cluster_time_ms(c, now) - (int64_t)strtoull(id, NULL, 10);
	uint64_t newest = p->stream.newest;
	struct cluster_header h;

	if (!c->has_clock || lag_ms < 0) {
		lag_ms = 0;
	}
	if (apply_peek(bytes, size, &h) == CLUSTER_OK && h.run == c->run) {
		/* our own stream: this is where we began */
		p->is_over = true;
		return;
	}
	(void)apply_message(&c->apply, &p->stream, bytes, size, lag_ms, now);
	/* What was there before this connection is late because of that. */
	if (p->stream.newest > newest &&
	    strtoull(id, NULL, 10) >= cluster_time_ms(c, (struct mono){ c->ready_ns })) {
		p->lag_ms = lag_ms;
		p->lag_max_ms = lag_ms > p->lag_max_ms ? lag_ms : p->lag_max_ms;
		histogram_add(&c->lag_ns, (uint64_t)lag_ms * (uint64_t)NSEC_PER_MSEC, 1);
	}
}

/* An entry: its id, and fields with values. */
static void take_entry(struct cluster *c, struct peer *p, const struct redisReply *entry,
                       struct mono now)
{
	const struct redisReply *fields;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[0]->str == NULL || !id_is_sound(entry->element[0]->str)) {
		p->stream.counts.refused++;
		return;
	}
	fields = entry->element[1];
	if (fields->type == REDIS_REPLY_ARRAY && fields->elements >= 2 &&
	    fields->element[1]->str != NULL) {
		apply_entry(c, p, entry->element[0]->str, fields->element[1]->str,
		            (size_t)fields->element[1]->len, now);
	} else {
		p->stream.counts.refused++;
	}
	set_text(p->id, sizeof(p->id), entry->element[0]->str);
}

static struct peer *peer_of_key(struct cluster *c, const char *key)
{
	for (unsigned i = 0; i < c->peers_len; i++) {
		if (strcmp(c->peers[i]->key, key) == 0) {
			return c->peers[i];
		}
	}
	return c->self != NULL && strcmp(c->self->key, key) == 0 ? c->self : NULL;
}

static void take_stream(struct cluster *c, const struct redisReply *stream, struct mono now)
{
	struct peer *p;

	if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
	    stream->element[0]->str == NULL || stream->element[1]->type != REDIS_REPLY_ARRAY) {
		return;
	}
	p = peer_of_key(c, stream->element[0]->str);
	for (size_t i = 0; p != NULL && i < stream->element[1]->elements; i++) {
		take_entry(c, p, stream->element[1]->element[i], now);
	}
}

static void end_self(struct cluster *c)
{
	log_write(c->log, LOG_LEVEL_NOTICE,
	          "cluster: %" PRIu64 " connections of before the restart read back",
	          c->self->stream.counts.outcome[PEER_TAKEN]);
	free(c->self);
	c->self = NULL;
}

static void read_streams(struct cluster *c);

static void on_streams(void *ctx, const struct redisReply *reply, const char *error)
{
	struct cluster *c = ctx;
	struct mono now = clock_now();
	bool heard_self = false;

	c->is_reading = false;
	if (error != NULL) {
		return;
	}
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
		const struct redisReply *stream = reply->element[i];

		heard_self |= c->self != NULL && stream->type == REDIS_REPLY_ARRAY &&
		              stream->elements > 0 && stream->element[0]->str != NULL &&
		              strcmp(stream->element[0]->str, c->self->key) == 0;
		take_stream(c, stream, now);
	}
	if (c->self != NULL && c->reads_self && (!heard_self || c->self->is_over)) {
		end_self(c);
	}
	read_streams(c);
}

static void read_streams(struct cluster *c)
{
	const char *args[6 + 2 * (PEERS_MAX + 1)] = { "XREAD", "COUNT",    READ_COUNT,
		                                      "BLOCK", READ_BLOCK, "STREAMS" };
	struct peer *read[PEERS_MAX + 1];
	unsigned len = 0;

	if (c->is_reading || !redis_is_ready(c->in)) {
		return;
	}
	c->reads_self = false;
	for (unsigned i = 0; i < c->peers_len; i++) {
		read[len++] = c->peers[i];
	}
	if (c->self != NULL) {
		read[len++] = c->self;
	}
	for (unsigned i = 0; i < len;) {
		struct peer *p = read[i];

		if (p->rewind[0] != '\0') {
			set_text(p->id, sizeof(p->id), p->rewind);
			p->rewind[0] = '\0';
		}
		if (p->id[0] == '\0') {
			/* its snapshot comes first */
			read[i] = read[--len];
			continue;
		}
		i++;
	}
	for (unsigned i = 0; i < len; i++) {
		c->reads_self |= read[i] == c->self;
		args[6 + i] = read[i]->key;
		args[6 + len + i] = read[i]->id;
	}
	if (len > 0) {
		c->is_reading = redis_command(c->in, on_streams, c, (int)(6 + 2 * len), args, NULL);
	}
}

/* snapshots */

static void read_chunks(struct cluster *c);

/* A snapshot that cannot be read may have been replaced meanwhile. */
static void give_up_snapshot(struct cluster *c)
{
	struct peer *p = c->reading.peer;

	c->reading.peer = NULL;
	if (++p->failures >= FAILURES_MAX) {
		p->failures = 0;
		p->snapshot_run = p->line.run;
		p->snapshot_generation = p->line.generation;
		if (p->id[0] == '\0') {
			set_text(p->id, sizeof(p->id), "0");
		}
	}
}

/* Applies a chunk of the snapshot that is being read. Returns false for another one. */
static bool take_chunk(struct cluster *c, const struct redisReply *chunk, struct mono now)
{
	struct reading *r = &c->reading;
	struct apply_stream s = { .node = r->peer->stream.node, .mark_base = r->mark_base };
	int64_t age_ms;
	struct cluster_header h;

	if (chunk->str == NULL || apply_peek(chunk->str, (size_t)chunk->len, &h) != CLUSTER_OK ||
	    (h.flags & CLUSTER_IS_CHUNK) == 0 || h.run != r->line.run || h.seq != r->line.seq) {
		return false;
	}
	age_ms =
		h.time_ms != 0 && c->has_clock ? (int64_t)(cluster_time_ms(c, now) - h.time_ms) : 0;
	(void)apply_message(&c->apply, &s, chunk->str, (size_t)chunk->len, age_ms, now);
	for (unsigned i = 0; i < PEER_OUTCOMES_LEN; i++) {
		r->peer->stream.counts.outcome[i] += s.counts.outcome[i];
	}
	r->peer->stream.counts.invalid += s.counts.invalid;
	r->peer->stream.counts.unknown += s.counts.unknown;
	return true;
}

static void on_chunks(void *ctx, const struct redisReply *reply, const char *error)
{
	struct cluster *c = ctx;
	struct reading *r = &c->reading;
	struct mono now = clock_now();

	if (r->peer == NULL) {
		return;
	}
	if (error != NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
		give_up_snapshot(c);
		return;
	}
	for (size_t i = 0; i < reply->elements; i++) {
		if (!take_chunk(c, reply->element[i], now)) {
			give_up_snapshot(c);
			return;
		}
		r->chunk++;
	}
	read_chunks(c);
}

static void finish_reading(struct cluster *c)
{
	struct reading *r = &c->reading;
	struct peer *p = r->peer;

	p->snapshot_run = r->line.run;
	p->snapshot_generation = r->line.generation;
	p->failures = 0;
	set_text(p->rewind, sizeof(p->rewind), r->line.id);
	r->peer = NULL;
	c->counts.snapshots_read++;
	read_streams(c);
}

/* Entries of the node that were not in its snapshot. */
static void sweep(struct cluster *c)
{
	struct reading *r = &c->reading;
	const struct peer_mark mark = {
		.node = r->peer->stream.node,
		.seq = r->mark_base + (uint32_t)r->line.seq,
	};

	/* A few slices a turn. */
	for (unsigned i = 0; i < 8 && !engine_list_is_over(c->apply.engine, &r->cursor); i++) {
		c->counts.swept += engine_peer_sweep(c->apply.engine, &r->cursor, &mark);
	}
	if (engine_list_is_over(c->apply.engine, &r->cursor)) {
		finish_reading(c);
	}
}

static void read_chunks(struct cluster *c)
{
	struct reading *r = &c->reading;
	char key[NODE_KEY_SIZE];
	char from[16];
	char to[16];
	const char *args[] = { "LRANGE", key, from, to };

	if (r->chunk >= r->line.chunks) {
		r->sweeps = true;
		return;
	}
	(void)snprintf(key, sizeof(key), "finwall:{%s}:c:%s:%u", c->group, r->peer->name,
	               r->line.slot);
	(void)snprintf(from, sizeof(from), "%u", r->chunk);
	(void)snprintf(to, sizeof(to), "%u", r->chunk + CHUNKS_AT_ONCE - 1);
	if (!redis_command(c->out, on_chunks, c, 4, args, NULL)) {
		give_up_snapshot(c);
	}
}

/* Returns whether a snapshot of the node is to be read. */
static bool has_new_snapshot(const struct peer *p)
{
	return p->line.generation != 0 &&
	       (p->snapshot_run != p->line.run || p->snapshot_generation != p->line.generation);
}

static void begin_reading(struct cluster *c, struct peer *p)
{
	apply_note_run(&p->stream, p->line.run);
	c->reading =
		(struct reading){ .peer = p, .line = p->line, .mark_base = p->stream.mark_base };
	read_chunks(c);
}

void subscribe_tick(struct cluster *c, struct mono now)
{
	(void)now;
	if (!redis_is_ready(c->out) || !c->has_listed) {
		return;
	}
	if (c->reading.peer != NULL && c->reading.sweeps) {
		sweep(c);
	}
	if (c->self != NULL && c->self->id[0] == '\0' && c->reading.peer == NULL) {
		if (has_new_snapshot(c->self)) {
			begin_reading(c, c->self);
		} else if (c->self->rewind[0] == '\0') {
			set_text(c->self->id, sizeof(c->self->id), "0");
		}
	}
	for (unsigned i = 0; i < c->peers_len && c->reading.peer == NULL; i++) {
		struct peer *p = c->peers[i];

		if (has_new_snapshot(p)) {
			begin_reading(c, p);
		} else if (p->id[0] == '\0' && p->rewind[0] == '\0') {
			set_text(p->id, sizeof(p->id), "0");
		}
	}
	read_streams(c);
}

void subscribe_lost_in(struct cluster *c)
{
	c->is_reading = false;
}

void subscribe_lost_out(struct cluster *c)
{
	c->reading.peer = NULL;
}

void subscribe_fini(struct cluster *c)
{
	for (unsigned i = 0; i < c->peers_len; i++) {
		free(c->peers[i]);
	}
	c->peers_len = 0;
	free(c->self);
	c->self = NULL;
}
