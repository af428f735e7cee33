/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to the engine of a cluster, which speaks the Redis protocol, by hiredis on the
 * main loop. Main thread only; nothing here blocks.
 *
 * The servers of the list are tried in order, one after the other, until one is reached that is a
 * master; so a fail-over by Sentinel needs no more than all its servers in the list. A server that
 * does not answer for a few seconds is given up.
 */
#ifndef FINWALL_CLUSTER_REDIS_H
#define FINWALL_CLUSTER_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct log;
struct redis;
struct tls;
struct redisReply; /* hiredis */

struct redis_params {
	struct event_base *base;
	struct log *log;
	const char *name;    /* of the connection, in the log; NULL = its failures are not logged */
	const char *servers; /* text/server.h; stays the caller's */
	const char *user;    /* NULL = none; likewise */
	const char *password;     /* NULL = none; likewise */
	struct tls *tls;          /* for all servers but UNIX sockets; NULL = none; likewise */
	void (*ready)(void *ctx); /* connected, to a master */
	void (*lost)(void *ctx);  /* no longer; commands still get their "no reply" */
	void *ctx;
};

/* A reply, NULL when there will be none; or the text of an error. Borrowed for the call. */
typedef void redis_reply_fn(void *ctx, const struct redisReply *reply, const char *error);

/* Connects as soon as the loop runs. Returns NULL when memory runs out. */
struct redis *redis_new(const struct redis_params *params);

/* Callbacks of commands are called with NULL, the others not any more. NULL is fine. */
void redis_free(struct redis *r);

bool redis_is_ready(const struct redis *r);

/* "10.0.0.5:6379", or a path: the server that is connected, or tried. */
const char *redis_server(const struct redis *r);

/* The last failure; "" = none since the connection. */
const char *redis_problem(const struct redis *r);

/*
 * Sends a command; its arguments are copied. bytes: of all, 0 <= its share in redis_backlog().
 * fn may be NULL. Returns false, without calling fn, when the connection is not ready.
 */
bool redis_command(struct redis *r, redis_reply_fn *fn, void *ctx, int args_len,
                   const char *const *args, const size_t *sizes);

/* Writes what the socket takes at once, for a last message before redis_free(). */
void redis_push(struct redis *r);

/* Bytes of commands that have no reply yet. */
size_t redis_backlog(const struct redis *r);

/* The server does not do what a master does: tries the next one. */
void redis_reject(struct redis *r, const char *why);

/* To be called a few times a second: connects again, gives up servers that do not answer. */
void redis_tick(struct redis *r, int64_t now_ns);

#endif
