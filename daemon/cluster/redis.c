/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to the engine. See redis.h.
 *
 * hiredis frees a context by itself after its disconnect callback and after a failed connection;
 * otherwise redisAsyncFree() does, which answers all commands with NULL. `ac` is NULL as soon as
 * the context may be gone.
 */
#include "redis.h"

#include "io/log.h"
#include "text/server.h"
#include "tls.h"

#include <finwall/mono.h>

#include <errno.h>
#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* adapters/libevent.h of hiredis defines functions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <hiredis/adapters/libevent.h>
#pragma GCC diagnostic pop

/* Between two attempts, when all servers were tried. */
#define RETRY_NS (NSEC_PER_SEC / 2)

/* A connection, or the oldest reply, may take so long. */
#define ANSWER_MAX_NS (3 * NSEC_PER_SEC)

/* A warning about the same failure again, at most so often. */
#define WARN_NS (60 * NSEC_PER_SEC)

struct redis {
	struct redis_params params;
	redisAsyncContext *ac;
	const char *at; /* the rest of the list of servers */
	char server[TEXT_SERVER_PATH_SIZE];
	char problem[128];
	bool is_ready;
	bool is_ending;
	int64_t now_ns;   /* of the last tick */
	int64_t next_ns;  /* no attempt before */
	int64_t began_ns; /* the connection */
	int64_t heard_ns; /* a reply, or nothing was expected */
	int64_t warned_ns;
	size_t backlog;
	size_t commands; /* without a reply */
};

struct command {
	struct redis *redis;
	redis_reply_fn *fn;
	void *ctx;
	size_t size;
};

struct redis *redis_new(const struct redis_params *params)
{
	struct redis *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->params = *params;
		r->at = params->servers;
	}
	return r;
}

void redis_free(struct redis *r)
{
	redisAsyncContext *ac;

	if (r == NULL) {
		return;
	}
	r->is_ending = true;
	r->is_ready = false;
	ac = r->ac;
	r->ac = NULL;
	if (ac != NULL) {
		ac->data = NULL;
		redisAsyncFree(ac);
	}
	free(r);
}

bool redis_is_ready(const struct redis *r)
{
	return r->is_ready;
}

const char *redis_server(const struct redis *r)
{
	return r->server;
}

const char *redis_problem(const struct redis *r)
{
	return r->problem;
}

size_t redis_backlog(const struct redis *r)
{
	return r->backlog;
}

/* The connection is over; hiredis frees the context, or has. */
static void note_lost(struct redis *r, const char *why)
{
	bool was_ready = r->is_ready;

	r->ac = NULL;
	r->is_ready = false;
	if (why != NULL) {
		(void)snprintf(r->problem, sizeof(r->problem), "%s", why);
	}
	if (r->is_ending) {
		return;
	}
	if (r->params.name != NULL && r->problem[0] != '\0' &&
	    (was_ready || r->warned_ns == 0 || r->now_ns - r->warned_ns > WARN_NS)) {
		r->warned_ns = r->now_ns;
		log_write(r->params.log, LOG_LEVEL_WARNING, "%s: %s: %s", r->params.name, r->server,
		          r->problem);
	}
	if (was_ready) {
		r->params.lost(r->params.ctx);
	}
}

void redis_reject(struct redis *r, const char *why)
{
	redisAsyncContext *ac = r->ac;

	if (ac == NULL) {
		return;
	}
	note_lost(r, why);
	ac->data = NULL;
	redisAsyncFree(ac);
}

static void on_reply(redisAsyncContext *ac, void *reply, void *data)
{
	const redisReply *got = reply;
	struct command *c = data;
	struct redis *r = c->redis;
	bool is_error = got != NULL && got->type == REDIS_REPLY_ERROR;

	(void)ac;
	r->backlog -= c->size;
	r->commands--;
	r->heard_ns = r->now_ns;
	if (c->fn != NULL) {
		c->fn(c->ctx, is_error ? NULL : got,
		      is_error      ? got->str
		      : got == NULL ? "no reply"
		                    : NULL);
	}
	free(c);
}

/* Before the connection is ready too. */
static bool send_command(struct redis *r, redis_reply_fn *fn, void *ctx, int args_len,
                         const char *const *args, const size_t *sizes)
{
	struct command *c = r->ac != NULL ? malloc(sizeof(*c)) : NULL;

	if (c == NULL) {
		return false;
	}
	*c = (struct command){ .redis = r, .fn = fn, .ctx = ctx };
	for (int i = 0; i < args_len; i++) {
		c->size += sizes != NULL ? sizes[i] : strlen(args[i]);
	}
	if (redisAsyncCommandArgv(r->ac, on_reply, c, args_len, (const char **)(uintptr_t)args,
	                          sizes) != REDIS_OK) {
		free(c);
		return false;
	}
	if (r->commands++ == 0) {
		r->heard_ns = r->now_ns;
	}
	r->backlog += c->size;
	return true;
}

bool redis_command(struct redis *r, redis_reply_fn *fn, void *ctx, int args_len,
                   const char *const *args, const size_t *sizes)
{
	return r->is_ready && send_command(r, fn, ctx, args_len, args, sizes);
}

void redis_push(struct redis *r)
{
	if (r->ac != NULL) {
		redisAsyncHandleWrite(r->ac);
	}
}

/* Role: an array that begins with "master". Servers without the command count as masters. */
static void on_role(void *ctx, const struct redisReply *reply, const char *error)
{
	struct redis *r = ctx;

	if (r->ac == NULL || (reply == NULL && error != NULL && strcmp(error, "no reply") == 0)) {
		return;
	}
	if (error != NULL && strncmp(error, "ERR unknown command", 19) != 0) {
		redis_reject(r, error);
		return;
	}
	if (reply != NULL &&
	    (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
	     reply->element[0]->str == NULL || strcmp(reply->element[0]->str, "master") != 0)) {
		redis_reject(r, "not a master");
		return;
	}
	r->is_ready = true;
	r->problem[0] = '\0';
	r->warned_ns = 0;
	r->at = r->params.servers;
	if (r->params.name != NULL) {
		log_write(r->params.log, LOG_LEVEL_NOTICE, "%s: connected to %s", r->params.name,
		          r->server);
	}
	r->params.ready(r->params.ctx);
}

static void on_auth(void *ctx, const struct redisReply *reply, const char *error)
{
	struct redis *r = ctx;

	(void)reply;
	if (error != NULL && r->ac != NULL && strcmp(error, "no reply") != 0) {
		redis_reject(r, error);
	}
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct redis *r = ac->data;
	const char *role[] = { "ROLE" };
	const char *auth[3] = { "AUTH" };
	int auth_len = 1;

	if (r == NULL) {
		return;
	}
	if (status != REDIS_OK) {
		note_lost(r, ac->errstr);
		return;
	}
	if (r->params.password != NULL) {
		if (r->params.user != NULL) {
			auth[auth_len++] = r->params.user;
		}
		auth[auth_len++] = r->params.password;
		(void)send_command(r, on_auth, r, auth_len, auth, NULL);
	}
	(void)send_command(r, on_role, r, 1, role, NULL);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct redis *r = ac->data;

	if (r != NULL) {
		note_lost(r, status == REDIS_OK ? "closed" : ac->errstr);
	}
}

static void next_server(struct redis *r)
{
	struct text_server s;
	redisAsyncContext *ac;

	if (*r->at == '\0' || !text_server_next(&r->at, &s)) {
		r->at = r->params.servers;
		r->next_ns = r->now_ns + RETRY_NS;
		return;
	}
	if (s.path[0] != '\0') {
		(void)snprintf(r->server, sizeof(r->server), "%s", s.path);
		ac = redisAsyncConnectUnix(s.path);
	} else {
		(void)snprintf(r->server, sizeof(r->server),
		               strchr(s.host, ':') != NULL ? "[%s]:%u" : "%s:%u", s.host, s.port);
		ac = redisAsyncConnect(s.host, s.port);
	}
	if (ac == NULL) {
		return;
	}
	if (ac->err != 0 || (r->params.tls != NULL && s.path[0] == '\0' &&
	                     !tls_begin(r->params.tls, &ac->c, s.host))) {
		note_lost(r, ac->c.errstr[0] != '\0' ? ac->c.errstr : "TLS failed");
		redisAsyncFree(ac);
		return;
	}
	ac->data = r;
	r->ac = ac;
	r->began_ns = r->now_ns;
	if (redisLibeventAttach(ac, r->params.base) != REDIS_OK ||
	    redisAsyncSetConnectCallback(ac, on_connect) != REDIS_OK ||
	    redisAsyncSetDisconnectCallback(ac, on_disconnect) != REDIS_OK) {
		redis_reject(r, strerror(ENOMEM));
	}
}

void redis_tick(struct redis *r, int64_t now_ns)
{
	r->now_ns = now_ns;
	if (r->ac == NULL) {
		if (now_ns >= r->next_ns) {
			next_server(r);
		}
		return;
	}
	if ((!r->is_ready && now_ns - r->began_ns > ANSWER_MAX_NS) ||
	    (r->commands > 0 && now_ns - r->heard_ns > ANSWER_MAX_NS)) {
		redis_reject(r, "no answer");
	}
}
