/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server and file of the metrics. See metrics.h.
 */
#include "metrics.h"

#include "io/clock.h"
#include "io/http_server.h"
#include "io/log.h"
#include "io/replace_file.h"

#include <finwall/config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A port that another process uses may become free. */
#define RETRY_NS (10 * NSEC_PER_SEC)

struct metrics {
	struct event_base *base;
	struct log *log;
	struct metrics_sources from;
	struct metrics_own own;
	uint64_t refused; /* by servers that are closed */
	struct http_server *server;
	struct mono retry_at; /* 0 = nothing failed */
	bool is_logged;       /* that it failed */
	/* copies of the settings in force; NULL or 0 = none */
	uint32_t port;
	char *socket;
	char *file;
	int64_t file_ns;
	struct mono file_at;
	int file_error; /* of the last write */
};

static void serve(struct metrics *m, struct mono now);
static void close_server(struct metrics *m);

struct metrics *metrics_new(struct event_base *base, struct log *log,
                            const struct metrics_sources *from)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m != NULL) {
		m->base = base;
		m->log = log;
		m->from = *from;
	}
	return m;
}

void metrics_free(struct metrics *m)
{
	if (m != NULL) {
		close_server(m);
		free(m->socket);
		free(m->file);
		free(m);
	}
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

void metrics_apply(struct metrics *m, const struct settings *s, struct mono now)
{
	if (m == NULL) {
		return;
	}
	if (m->port != s->metrics_port || !is_same(m->socket, s->metrics_socket)) {
		close_server(m);
		free(m->socket);
		m->port = s->metrics_port;
		m->socket = copy(s->metrics_socket);
		m->is_logged = false;
		serve(m, now);
	}
	if (!is_same(m->file, s->metrics_file)) {
		free(m->file);
		m->file = copy(s->metrics_file);
		m->file_error = 0;
	}
	m->file_ns = (int64_t)s->metrics_interval_s * NSEC_PER_SEC;
	m->file_at = now;
}

static char *collect(struct metrics *m, enum exposition_format format, size_t *size)
{
	struct mono start = clock_now();
	char *text;

	m->own.scrapes++;
	m->own.refused = m->refused + (m->server != NULL ? http_server_refused(m->server) : 0);
	text = metrics_collect(&m->from, &m->own, format, size);
	m->own.last_ns = mono_diff(clock_now(), start);
	return text;
}

static void write_file(struct metrics *m)
{
	size_t size;
	char *text = collect(m, EXPOSITION_PROMETHEUS, &size);
	int err = text != NULL ? replace_file(m->file, text, size) : -ENOMEM;

	free(text);
	if (err != 0 && err != m->file_error) {
		log_write(m->log, LOG_LEVEL_WARNING, "metrics: cannot write %s: %s", m->file,
		          strerror(-err));
	}
	m->file_error = err;
}

void metrics_tick(struct metrics *m, struct mono now)
{
	if (m == NULL) {
		return;
	}
	if (m->retry_at.ns != 0 && mono_is_due(m->retry_at, now)) {
		serve(m, now);
	}
	if (m->file != NULL && mono_is_due(m->file_at, now)) {
		m->file_at = mono_add(now, m->file_ns);
		write_file(m);
	}
}

/* Prometheus offers several formats and gets the one that it names first, mostly. */
static int get(void *ctx, const char *path, const char *accept, struct http_document *out)
{
	enum exposition_format format = strstr(accept, "application/openmetrics-text") != NULL
	                                        ? EXPOSITION_OPENMETRICS
	                                        : EXPOSITION_PROMETHEUS;

	if (strcmp(path, "/metrics") != 0) {
		return -ENOENT;
	}
	out->type = exposition_content_type(format);
	out->text = collect(ctx, format, &out->size);
	return out->text != NULL ? 0 : -ENOMEM;
}

static void close_server(struct metrics *m)
{
	if (m->server != NULL) {
		m->refused += http_server_refused(m->server);
		http_server_free(m->server);
		m->server = NULL;
	}
	m->retry_at = (struct mono){ 0 };
}

static void log_failure(struct metrics *m, const char *what, int err)
{
	if (!m->is_logged) {
		log_write(m->log, LOG_LEVEL_WARNING,
		          "metrics: cannot listen on %s: %s; tried again every 10 s", what,
		          strerror(-err));
		m->is_logged = true;
	}
}

/* Opens all sockets, or none. */
static void serve(struct metrics *m, struct mono now)
{
	const struct http_handler handler = { .get = get, .ctx = m };
	int err = 0;

	close_server(m);
	if (m->port == 0 && m->socket == NULL) {
		return;
	}
	m->server = http_server_new(m->base, &handler);
	if (m->server == NULL) {
		err = -ENOMEM;
		log_failure(m, "any socket", err);
	}
	if (err == 0 && m->port != 0) {
		err = http_server_listen_loopback(m->server, (uint16_t)m->port);
		if (err != 0) {
			char what[32];

			(void)snprintf(what, sizeof(what), "port %u", m->port);
			log_failure(m, what, err);
		}
	}
	if (err == 0 && m->socket != NULL) {
		err = http_server_listen_unix(m->server, m->socket);
		if (err != 0) {
			log_failure(m, m->socket, err);
		}
	}
	if (err != 0) {
		close_server(m);
		m->retry_at = mono_add(now, RETRY_NS);
		return;
	}
	if (m->is_logged) {
		log_write(m->log, LOG_LEVEL_NOTICE, "metrics: listening now");
		m->is_logged = false;
	}
}
