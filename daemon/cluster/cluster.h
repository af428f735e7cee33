/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several firewalls, one state: this node's changes to the others, and theirs into the engine, by
 * way of an engine with the Redis protocol. doc/cluster.md.
 *
 * Main thread only. Off unless configured; then workers have no port, and nothing here runs. The
 * engine away, slow or full never stops a packet for longer than the configured time.
 */
#ifndef FINWALL_CLUSTER_CLUSTER_H
#define FINWALL_CLUSTER_CLUSTER_H

#include <finwall/config.h>
#include <finwall/engine.h>

#include <jansson.h>

struct cluster;
struct event_base;
struct log;
struct set_changes;
struct workers;

/* Borrowed until cluster_stop(). */
struct cluster_env {
	struct event_base *base;
	struct log *log;
	struct engine *engine;
	struct workers *workers; /* not started yet */
	struct set_changes *set_changes;
};

/* Whether this build has it. */
bool cluster_is_built(void);

/* The problem that these settings are in this build, or NULL. */
const char *cluster_problem(const struct settings *s);

/*
 * Sets the workers' ports up and begins to connect. *out is NULL without a cluster in the settings.
 * Returns -errno; the reason is logged.
 */
int cluster_start(const struct cluster_env *env, const struct settings *s, struct cluster **out);

/* A configuration comes into force. Both are borrowed until the next one. c may be NULL. */
void cluster_apply(struct cluster *c, const struct policy *policy, struct config *config);

/* Sends what is noted, as far as that is possible at once, and frees all. The workers have stopped,
 * or have not been started. NULL is fine. */
void cluster_stop(struct cluster *c);

/* What commands have done here, for the other nodes. c may be NULL. */
void cluster_note_deleted(struct cluster *c, const struct flowkey *key,
                          enum engine_delete_mode mode);
void cluster_note_flushed(struct cluster *c, enum engine_delete_mode mode);
/* table: "FAMILY NAME". Only with the setting `sets`. */
void cluster_note_set(struct cluster *c, bool is_added, const char *table, const char *set,
                      const char *element);

/* All that is known, for people and programs; {"on": false} without a cluster. */
json_t *cluster_json(struct cluster *c);

/* For metrics. */
struct cluster_usage {
	bool is_connected;
	bool is_suspended;
	unsigned nodes; /* others whose line is not older than a few seconds */
	uint64_t records_out;
	uint64_t messages_out;
	uint64_t bytes_out;
	uint64_t dropped;
	uint64_t refused;
	uint64_t snapshots;
	uint64_t connections;
	uint64_t suspensions;
	uint64_t duplicates;
	uint64_t records_in;
	uint64_t messages_in;
	uint64_t gaps;
	uint64_t invalid;
	int64_t lag_ms; /* the longest of all nodes' latest */
};

/* Returns false without a cluster. */
bool cluster_usage(struct cluster *c, struct cluster_usage *out);

#endif
