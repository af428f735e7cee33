/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP server. See http_server.h.
 */
#include "http_server.h"

#include "loopback.h"
#include "opener.h"
#include "unix_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS_MAX       16
#define REQUEST_SIZE_MAX  ((size_t)8 << 10)
#define CLIENT_TIME_S     10
#define PATH_SIZE         128
#define ACCEPT_SIZE       512
#define LISTENERS_MAX     3
#define BACKLOG           128
#define ACCEPT_PAUSE_USEC 200000

struct http_client {
	struct http_server *server;
	struct bufferevent *bev;
	struct event *deadline;
	bool is_answered;
	bool has_ended; /* its sending side is closed */
	LIST_ENTRY(http_client) link;
};

struct http_server {
	struct event_base *base;
	struct http_handler handler;
	struct evconnlistener *listeners[LISTENERS_MAX];
	unsigned listeners_len;
	struct event *accept_again;
	LIST_HEAD(, http_client) clients;
	unsigned clients_len;
	uint64_t refused;
	struct unix_socket file; /* of the UNIX socket */
};

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
                      int from_size, void *ctx);
static void on_accept_error(struct evconnlistener *l, void *ctx);
static void on_accept_again(evutil_socket_t fd, short what, void *ctx);
static void on_read(struct bufferevent *bev, void *ctx);
static void on_write(struct bufferevent *bev, void *ctx);
static void on_event(struct bufferevent *bev, short what, void *ctx);
static void on_deadline(evutil_socket_t fd, short what, void *ctx);
static void client_free(struct http_client *c);

struct http_server *http_server_new(struct event_base *base, const struct http_handler *handler)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->base = base;
	s->handler = *handler;
	LIST_INIT(&s->clients);
	s->accept_again = evtimer_new(base, on_accept_again, s);
	if (s->accept_again == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void http_server_free(struct http_server *s)
{
	if (s == NULL) {
		return;
	}
	while (!LIST_EMPTY(&s->clients)) {
		client_free(LIST_FIRST(&s->clients));
	}
	for (unsigned i = 0; i < s->listeners_len; i++) {
		evconnlistener_free(s->listeners[i]);
	}
	unix_socket_remove(&s->file);
	event_free(s->accept_again);
	free(s);
}

/* Takes ownership of fd, which may be negative: an error. */
static int listen_on(struct http_server *s, int fd)
{
	struct evconnlistener *l;

	if (fd < 0) {
		return fd;
	}
	l = evconnlistener_new(s->base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
	                       BACKLOG, fd);
	if (l == NULL) {
		close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(l, on_accept_error);
	s->listeners[s->listeners_len++] = l;
	return 0;
}

/* Returns a bound socket or -errno. */
static int bind_loopback(enum opener_kind kind, uint16_t port)
{
	if (opener_is_set()) {
		return opener_get(kind, port);
	}
	return loopback_bind(kind == OPENER_LISTEN4 ? AF_INET : AF_INET6, port);
}

int http_server_listen_loopback(struct http_server *s, uint16_t port)
{
	int err = listen_on(s, bind_loopback(OPENER_LISTEN4, port));

	if (err != 0) {
		return err;
	}
	err = listen_on(s, bind_loopback(OPENER_LISTEN6, port));
	return err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT ? 0 : err;
}

int http_server_listen_unix(struct http_server *s, const char *path)
{
	return listen_on(s, unix_socket_bind(&s->file, path, 0660));
}

uint64_t http_server_refused(const struct http_server *s)
{
	return s->refused;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
                      int from_size, void *ctx)
{
	const struct timeval time = { .tv_sec = CLIENT_TIME_S };
	struct http_server *s = ctx;
	struct http_client *c = NULL;

	(void)l;
	(void)from;
	(void)from_size;
	if (s->clients_len < CLIENTS_MAX) {
		c = calloc(1, sizeof(*c));
	}
	if (c == NULL) {
		s->refused++;
		close(fd);
		return;
	}
	c->server = s;
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->deadline = evtimer_new(s->base, on_deadline, c);
	if (c->bev == NULL || c->deadline == NULL) {
		if (c->bev != NULL) {
			bufferevent_free(c->bev);
		} else {
			close(fd);
		}
		if (c->deadline != NULL) {
			event_free(c->deadline);
		}
		free(c);
		s->refused++;
		return;
	}
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->clients_len++;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_SIZE_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	evtimer_add(c->deadline, &time);
}

/* Out of descriptors or memory: the client stays in the backlog for a while. */
static void on_accept_error(struct evconnlistener *l, void *ctx)
{
	const struct timeval pause = { .tv_usec = ACCEPT_PAUSE_USEC };
	struct http_server *s = ctx;

	evconnlistener_disable(l);
	evtimer_add(s->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
	struct http_server *s = ctx;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < s->listeners_len; i++) {
		evconnlistener_enable(s->listeners[i]);
	}
}

static void answer(struct http_client *c, const char *status, const char *type, const char *body,
                   size_t size, bool wants_body)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	c->is_answered = true;
	(void)evbuffer_add_printf(out,
	                          "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	                          "Connection: close\r\n\r\n",
	                          status, type, size);
	if (wants_body) {
		(void)evbuffer_add(out, body, size);
	}
}

static void answer_text(struct http_client *c, const char *status, const char *text)
{
	if (status[0] == '4') {
		c->server->refused++;
	}
	answer(c, status, "text/plain; charset=utf-8", text, strlen(text), true);
}

/* Copies the value of a header of a request, or "". */
static void read_header(const char *request, const char *name, char *out, size_t out_size)
{
	size_t name_size = strlen(name);

	out[0] = '\0';
	for (const char *at = strstr(request, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
		size_t size;

		at += 2;
		if (strncasecmp(at, name, name_size) != 0 || at[name_size] != ':') {
			continue;
		}
		at += name_size + 1;
		at += strspn(at, " \t");
		size = strcspn(at, "\r\n");
		(void)snprintf(out, out_size, "%.*s", (int)size, at);
		return;
	}
}

static void handle_request(struct http_client *c, const char *request)
{
	struct http_document doc = { .text = NULL };
	char accept[ACCEPT_SIZE];
	char path[PATH_SIZE];
	char method[8];
	char version[2];
	int err;

	_Static_assert(PATH_SIZE == 128, "the format below has the size");
	if (sscanf(request, "%7[A-Z] %127[^ ?\r\n]%*[^ \r\n] HTTP/1.%1[01]", method, path,
	           version) != 3 &&
	    sscanf(request, "%7[A-Z] %127[^ ?\r\n] HTTP/1.%1[01]", method, path, version) != 3) {
		answer_text(c, "400 Bad Request", "bad request\n");
		return;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		answer_text(c, "405 Method Not Allowed", "only GET and HEAD are supported\n");
		return;
	}
	read_header(request, "Accept", accept, sizeof(accept));
	err = c->server->handler.get(c->server->handler.ctx, path, accept, &doc);
	if (err == -ENOENT) {
		answer_text(c, "404 Not Found", "not found: see /metrics\n");
	} else if (err != 0) {
		answer_text(c, "503 Service Unavailable", "out of memory\n");
	} else {
		answer(c, "200 OK", doc.type, doc.text, doc.size, method[0] == 'G');
	}
	free(doc.text);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct http_client *c = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t size = evbuffer_get_length(in);
	char request[REQUEST_SIZE_MAX + 1];

	if (c->is_answered) {
		/* Closing with unread input would reset the connection, and the client lose the
		 * answer. */
		(void)evbuffer_drain(in, size);
		return;
	}
	size = size < REQUEST_SIZE_MAX ? size : REQUEST_SIZE_MAX;
	(void)evbuffer_copyout(in, request, size);
	request[size] = '\0';
	if (memchr(request, '\0', size) != NULL) {
		answer_text(c, "400 Bad Request", "bad request\n");
	} else if (strstr(request, "\r\n\r\n") != NULL) {
		handle_request(c, request);
	} else if (size >= REQUEST_SIZE_MAX) {
		answer_text(c, "431 Request Header Fields Too Large", "request too large\n");
	}
	if (c->is_answered) {
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	}
}

/* All is sent. The client closes, or the deadline does. */
static void on_write(struct bufferevent *bev, void *ctx)
{
	struct http_client *c = ctx;

	if (!c->is_answered) {
		return;
	}
	if (c->has_ended) {
		client_free(c);
	} else {
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
	}
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct http_client *c = ctx;

	if (c->is_answered && (what & BEV_EVENT_EOF) != 0 &&
	    evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
		/* It has closed its sending side only, maybe. */
		c->has_ended = true;
		return;
	}
	c->server->refused += !c->is_answered;
	client_free(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *c = ctx;

	(void)fd;
	(void)what;
	c->server->refused += !c->is_answered;
	client_free(c);
}

static void client_free(struct http_client *c)
{
	LIST_REMOVE(c, link);
	c->server->clients_len--;
	event_free(c->deadline);
	bufferevent_free(c->bev);
	free(c);
}
