/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of cluster/ share: this node and those that it knows. Private to cluster/.
 *
 * Keys in the engine, all of one group with one hash tag:
 *
 *   finwall:{GROUP}:nodes        hash: of each node a line of text, see struct node_line
 *   finwall:{GROUP}:s:NODE       stream: its messages, in the field "d"
 *   finwall:{GROUP}:c:NODE:SLOT  list: the chunks of its latest snapshot; SLOT is 0 or 1 in turn
 *
 * Ids of stream entries are times of the engine's clock, in milliseconds. They are the only common
 * clock: a node knows the difference to its own.
 */
#ifndef FINWALL_CLUSTER_NODE_H
#define FINWALL_CLUSTER_NODE_H

#include "apply.h"
#include "cluster_port.h"
#include "histogram.h"
#include "redis.h"

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;
struct settings;
struct tls;

/* Records of a message at most, and bytes of commands that wait for the next one. */
#define RECORDS_MAX   2048
#define COMMANDS_SIZE (128u << 10)
#define MESSAGE_SIZE  (CLUSTER_HEADER_SIZE + RECORDS_MAX * CLUSTER_FLOW_SIZE + COMMANDS_SIZE)

#define NODE_NAME_SIZE 40
#define NODE_KEY_SIZE  128
#define STREAM_ID_SIZE 44 /* two numbers of 64 bits with a hyphen */

/* Nodes of a group that a node listens to; further ones are reported and ignored. */
#define PEERS_MAX 64

/* Of a node, in the hash. */
struct node_line {
	unsigned version; /* of its messages */
	uint64_t run;
	unsigned generation; /* of its latest complete snapshot; 0 = there is none */
	unsigned slot;
	uint64_t seq;            /* the first message that the snapshot lacks */
	char id[STREAM_ID_SIZE]; /* the entry of the stream from which on to read after it */
	unsigned chunks;
	uint64_t time_ms; /* of the line, by the engine's clock */
};

struct peer {
	char name[NODE_NAME_SIZE];
	char key[NODE_KEY_SIZE]; /* of its stream */
	struct node_line line;   /* the latest */
	struct apply_stream stream;
	char id[STREAM_ID_SIZE];     /* up to where its stream was read; "" = not yet */
	char rewind[STREAM_ID_SIZE]; /* where to go on after a snapshot; "" = nowhere else */
	uint64_t snapshot_run;       /* the latest snapshot that was read */
	unsigned snapshot_generation;
	unsigned failures; /* to read a snapshot, in a row */
	int64_t lag_ms;    /* of its latest message */
	int64_t lag_max_ms;
	bool is_over; /* PEER_SELF: all was read */
};

/* A snapshot that is being read. */
struct reading {
	struct peer *peer; /* NULL = none */
	struct node_line line;
	unsigned chunk;
	uint32_t mark_base; /* of the node's marks */
	bool sweeps;
	struct engine_cursor cursor;
};

/* A snapshot that is being written. */
struct writing {
	bool is_on;
	bool lists_tombs; /* the second pass */
	unsigned slot;
	unsigned chunks;
	unsigned unanswered;
	uint64_t seq;
	char id[STREAM_ID_SIZE];
	struct engine_cursor cursor;
};

struct cluster_counts {
	uint64_t messages_out;
	uint64_t records_out;
	uint64_t bytes_out;
	uint64_t dropped;   /* records, while the engine was away */
	uint64_t refused;   /* messages that the engine did not take */
	uint64_t snapshots; /* written */
	uint64_t snapshots_read;
	uint64_t swept;       /* entries that were in no snapshot any more */
	uint64_t connections; /* to the engine, made */
	uint64_t suspensions; /* times in which packets did not wait, because the engine was slow */
	uint64_t duplicates;  /* times another process had this node's name */
};

struct cluster {
	/* set once */
	struct event_base *base;
	struct log *log;
	struct apply_env apply;
	struct workers *workers;
	struct cluster_port **ports; /* of the workers */
	uint32_t ports_len;
	uint32_t interval_ms;
	uint32_t hold_ms;
	uint32_t snapshot_s;
	bool holds; /* REPLICATE_BEFORE_ACCEPT */
	bool shares_sets;
	char group[NODE_NAME_SIZE];
	char node[NODE_NAME_SIZE];
	char nodes_key[NODE_KEY_SIZE];
	char stream_key[NODE_KEY_SIZE];
	char *servers;
	char *user;
	char *password;
	struct tls *tls; /* NULL = not encrypted */
	int wake_fd;
	int timer_fd;
	struct event *wake;
	struct event *timer; /* records wait for a message */
	struct event *tick;
	struct engine_worker *worker; /* of what others report */
	struct redis *out;
	struct redis *in;
	uint64_t run;
	/* the engine's clock minus ours */
	int64_t clock_ms;
	bool has_clock;
	/* out */
	uint8_t *message;
	uint8_t *commands; /* records that wait for the next message */
	size_t commands_size;
	uint32_t commands_len;
	uint64_t seq; /* of the last message */
	char last_id[STREAM_ID_SIZE];
	unsigned unanswered; /* messages */
	int64_t sent_ns;     /* the latest message */
	bool is_near;        /* the engine has acknowledged the latest one quickly */
	int64_t answered_ns; /* the last answer, or the first message without one */
	bool is_lossy;       /* the next message has the flag */
	bool wants_snapshot;
	bool is_suspended;
	struct writing writing;
	unsigned generation;   /* of the latest snapshot */
	struct node_line line; /* ours */
	int64_t snapshot_ns;   /* when the latest one was begun */
	char trim_id[STREAM_ID_SIZE];
	int64_t announced_ns; /* when the nodes were listed last */
	bool has_listed;      /* the nodes, since the connection */
	bool has_announced;   /* our line is in the hash */
	int64_t duplicate_ns;
	int64_t ready_ns;
	/* in */
	struct peer *peers[PEERS_MAX];
	unsigned peers_len;
	struct peer *self; /* this node before its restart; NULL = not any more */
	bool is_reading;   /* a request for streams is under way ... */
	bool reads_self;   /* ... and is about ours, too */
	struct reading reading;
	uint64_t peers_ignored;
	struct cluster_counts counts;
	struct histogram ack_ns; /* from a message to its acknowledgement */
	struct histogram lag_ns; /* from a message's entry into the engine until it is applied */
};

/* Of the engine's clock; 0 = not known. */
static inline uint64_t cluster_time_ms(const struct cluster *c, struct mono now)
{
	return c->has_clock ? (uint64_t)(now.ns / NSEC_PER_MSEC + c->clock_ms) : 0;
}

/* publish.c: what this node sends. */

/* Sends what the workers have noted. */
void publish_flush(struct cluster *c, struct mono now);

/* Goes on with the snapshot, or begins one that is due. */
void publish_snapshot(struct cluster *c, struct mono now);

/* The connection is there, or gone: workers note changes, or do not. */
void publish_begin(struct cluster *c, struct mono now);
void publish_end(struct cluster *c);

/* Packets wait for a slow engine no longer. */
void publish_watch(struct cluster *c, struct mono now);

/* Writes our line. */
void publish_line(struct cluster *c, struct mono now);

/* subscribe.c: what the others send. */

/* Takes the lines of all nodes: reply is an array of names and lines. */
void subscribe_nodes(struct cluster *c, const struct redisReply *reply, struct mono now);

/* Asks for new messages, and goes on reading snapshots. */
void subscribe_tick(struct cluster *c, struct mono now);

/* The connections were lost: requests under way are over. */
void subscribe_lost_in(struct cluster *c);
void subscribe_lost_out(struct cluster *c);

void subscribe_fini(struct cluster *c);

/* Returns false for a line that is not one. */
bool node_line_read(const char *text, struct node_line *out);

#endif
