/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket. See ctl_sock.h.
 *
 * Back-pressure by watermarks: a client's input buffer holds at most one call of the largest size,
 * and the next slice of a stream is made when the output buffer has drained below its low-water
 * mark. A client that reads nothing for WRITE_TIMEOUT_SEC is closed. Input behind an endless stream
 * is discarded: in a full input buffer the end of the client would not be noticed, and its slot not
 * freed.
 */
#include "ctl_sock.h"

#include "unix_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS_MAX       32
#define READERS_MAX       24 /* of them; so that root always has a place */
#define PEER_GROUPS_MAX   1024
#define SOCKET_MODE       0600
#define SOCKET_MODE_GROUP 0660
#define OUTPUT_LOW_SIZE   ((size_t)64 << 10)
#define WRITE_TIMEOUT_SEC 30
#define ACCEPT_PAUSE_SEC  1

struct ctl_client {
	struct ctl_sock *sock;
	struct bufferevent *bev;
	struct ctl_stream *stream; /* reply in progress, or NULL */
	struct event *again;       /* made when it is needed first */
	enum ctl_access access;
	bool is_oneway;  /* the current call gets no reply */
	bool is_replied; /* the current call has its last reply */
	bool is_closing; /* has closed its sending side */
	LIST_ENTRY(ctl_client) link;
};

struct ctl_sock {
	struct ctl_handler handler;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *accept_again;
	LIST_HEAD(, ctl_client) clients;
	unsigned clients_len;
	unsigned readers_len;
	bool has_group;
	gid_t group; /* of readers */
	struct unix_socket file;
};

static int arm_listener(struct ctl_sock *s, int fd);
static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
                      int from_size, void *ctx);
static void on_accept_error(struct evconnlistener *l, void *ctx);
static void on_accept_again(evutil_socket_t fd, short what, void *ctx);
static void on_read(struct bufferevent *bev, void *ctx);
static void on_write(struct bufferevent *bev, void *ctx);
static void on_event(struct bufferevent *bev, short what, void *ctx);
static const char *refusal_of(const struct ctl_sock *s, int fd, enum ctl_access *access);
static void continue_client(struct ctl_client *c);
static void discard_input(struct ctl_client *c);
static int handle_call(struct ctl_client *c);
static void send_msg(struct ctl_client *c, char *msg, size_t size);
static void client_free(struct ctl_client *c);

/* Returns 0, or -ENOENT. */
static int find_group(struct ctl_sock *s, const char *name)
{
	const struct group *g = name != NULL ? getgrnam(name) : NULL;

	if (g != NULL) {
		s->has_group = true;
		s->group = g->gr_gid;
	}
	return name != NULL && g == NULL ? -ENOENT : 0;
}

/* The group may connect. */
static int open_to_group(const struct ctl_sock *s)
{
	const char *path = s->file.addr.sun_path;

	if (!s->has_group) {
		return 0;
	}
	return chown(path, (uid_t)-1, s->group) < 0 || chmod(path, SOCKET_MODE_GROUP) < 0 ? -errno
	                                                                                  : 0;
}

int ctl_sock_open(struct event_base *base, const char *path, const struct ctl_handler *handler,
                  const char *group, struct ctl_sock **out)
{
	struct ctl_sock *s = calloc(1, sizeof(*s));
	int fd;
	int rc;

	if (s == NULL) {
		return -ENOMEM;
	}
	s->handler = *handler;
	s->base = base;
	LIST_INIT(&s->clients);
	rc = find_group(s, group);
	if (rc < 0) {
		goto free_sock;
	}
	fd = unix_socket_bind(&s->file, path, SOCKET_MODE);
	if (fd < 0) {
		rc = fd;
		goto free_sock;
	}
	rc = open_to_group(s);
	if (rc == 0) {
		rc = arm_listener(s, fd);
	}
	if (rc < 0) {
		close(fd);
		unix_socket_remove(&s->file);
		goto free_sock;
	}
	*out = s;
	return 0;
free_sock:
	free(s);
	return rc;
}

void ctl_sock_close(struct ctl_sock *s)
{
	if (s == NULL) {
		return;
	}
	while (!LIST_EMPTY(&s->clients)) {
		client_free(LIST_FIRST(&s->clients));
	}
	unix_socket_remove(&s->file);
	evconnlistener_free(s->listener);
	event_free(s->accept_again);
	free(s);
}

void ctl_client_reply(struct ctl_client *c, json_t *parameters, enum ctl_more more)
{
	size_t size = 0;
	char *msg;

	c->is_replied = more == CTL_LAST;
	if (c->is_oneway) {
		json_decref(parameters);
		return;
	}
	msg = ctl_encode_reply(parameters, more, &size);
	send_msg(c, msg, size);
}

void ctl_client_reply_array(struct ctl_client *c, const char *member, const char *elements,
                            size_t elements_size, json_t *rest, enum ctl_more more)
{
	size_t size = 0;
	char *msg;

	c->is_replied = more == CTL_LAST;
	if (c->is_oneway) {
		json_decref(rest);
		return;
	}
	msg = ctl_encode_array_reply(member, elements, elements_size, rest, more, &size);
	send_msg(c, msg, size);
}

void ctl_client_error(struct ctl_client *c, const char *error, json_t *parameters)
{
	size_t size = 0;
	char *msg;

	c->is_replied = true;
	if (c->is_oneway) {
		json_decref(parameters);
		return;
	}
	msg = ctl_encode_error(error, parameters, &size);
	send_msg(c, msg, size);
}

size_t ctl_client_backlog(const struct ctl_client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

void ctl_client_stream(struct ctl_client *c, struct ctl_stream *s)
{
	if (c->is_oneway) {
		s->free(s);
		return;
	}
	c->stream = s;
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	continue_client(ctx);
}

void ctl_client_again(struct ctl_client *c, unsigned usec)
{
	const struct timeval time = { .tv_sec = usec / 1000000, .tv_usec = usec % 1000000 };

	if (c->again == NULL) {
		c->again = evtimer_new(c->sock->base, on_again, c);
	}
	/* Without memory the stream ends with its client. */
	if (c->again != NULL) {
		evtimer_add(c->again, &time);
	}
}

static int arm_listener(struct ctl_sock *s, int fd)
{
	s->accept_again = evtimer_new(s->base, on_accept_again, s);
	if (s->accept_again == NULL) {
		return -ENOMEM;
	}
	s->listener =
		evconnlistener_new(s->base, on_accept, s,
	                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, CLIENTS_MAX, fd);
	if (s->listener == NULL) {
		event_free(s->accept_again);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return 0;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
                      int from_size, void *ctx)
{
	const struct timeval timeout = { .tv_sec = WRITE_TIMEOUT_SEC };
	struct ctl_sock *s = ctx;
	enum ctl_access access;
	const char *refusal = refusal_of(s, fd, &access);
	struct ctl_client *c;

	(void)l;
	(void)from;
	(void)from_size;
	if (refusal != NULL) {
		size_t size;
		char *msg = ctl_encode_error(refusal, NULL, &size);

		if (msg != NULL) {
			/* a client that cannot receive it sees the close */
			send(fd, msg, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		free(msg);
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		free(c);
		close(fd);
		return;
	}
	c->sock = s;
	c->access = access;
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->clients_len++;
	s->readers_len += access == CTL_ACCESS_READ;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, CTL_CALL_SIZE_MAX + 1);
	bufferevent_setwatermark(c->bev, EV_WRITE, OUTPUT_LOW_SIZE, 0);
	bufferevent_set_timeouts(c->bev, NULL, &timeout);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Out of descriptors or memory: the client stays in the backlog for ACCEPT_PAUSE_SEC. */
static void on_accept_error(struct evconnlistener *l, void *ctx)
{
	const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_SEC };
	struct ctl_sock *s = ctx;

	evconnlistener_disable(l);
	evtimer_add(s->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
	struct ctl_sock *s = ctx;

	(void)fd;
	(void)what;
	evconnlistener_enable(s->listener);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	continue_client(ctx);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	continue_client(ctx);
}

/* A client may close its sending side and still read: it is closed after the last reply, or at once
 * if its stream is endless. */
static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct ctl_client *c = ctx;

	(void)bev;
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0 &&
	    !(c->stream != NULL && c->stream->is_endless)) {
		c->is_closing = true;
		continue_client(c);
		return;
	}
	client_free(c);
}

/* Kernels before 4.13 do not name the other groups: then the first one counts. */
static bool is_in_group(const struct ctl_sock *s, int fd, gid_t first)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (!s->has_group) {
		return false;
	}
	if (first == s->group) {
		return true;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) {
		return false;
	}
	for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] == s->group) {
			return true;
		}
	}
	return false;
}

/* Returns the error for a client that is not served, or NULL with *access set. */
static const char *refusal_of(const struct ctl_sock *s, int fd, enum ctl_access *access)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	bool is_full = s->clients_len >= CLIENTS_MAX;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		return "org.varlink.service.PermissionDenied";
	}
	*access = CTL_ACCESS_WRITE;
	if (peer.uid != 0 && peer.uid != geteuid()) {
		if (!is_in_group(s, fd, peer.gid)) {
			return "org.varlink.service.PermissionDenied";
		}
		*access = CTL_ACCESS_READ;
		is_full |= s->readers_len >= READERS_MAX;
	}
	return is_full ? CTL_INTERFACE ".TooManyClients" : NULL;
}

enum ctl_access ctl_client_access(const struct ctl_client *c)
{
	return c->access;
}

/*
 * Continues the reply in progress, then handles waiting calls, until the output is above its
 * low-water mark; on_write() continues. One slice of a stream a turn, so that a long list does not
 * block the loop.
 */
static void continue_client(struct ctl_client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	int rc = 1;

	while (rc == 1 && evbuffer_get_length(out) < OUTPUT_LOW_SIZE) {
		if (c->stream == NULL) {
			rc = handle_call(c);
			continue;
		}
		if (c->stream->next != NULL) {
			c->stream->next(c->stream, c);
		}
		if (!c->is_replied) {
			discard_input(c);
			return;
		}
		c->stream->free(c->stream);
		c->stream = NULL;
	}
	if (rc < 0 || (rc == 0 && c->is_closing && evbuffer_get_length(out) == 0)) {
		client_free(c);
	}
}

/* No call behind an endless stream is ever handled. */
static void discard_input(struct ctl_client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	if (c->stream->is_endless) {
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	}
}

/* Handles one call. Returns 1, 0 when there is none, -EBADMSG when the client must be closed. */
static int handle_call(struct ctl_client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t size = evbuffer_get_length(in);
	const char *bytes = (const char *)evbuffer_pullup(in, -1);
	struct ctl_call call;
	size_t msg_size;
	int rc;

	if (size == 0) {
		return 0;
	}
	switch (ctl_frame_find(bytes, size, CTL_CALL_SIZE_MAX, &msg_size)) {
	case CTL_FRAME_PARTIAL:
		return 0;
	case CTL_FRAME_TOO_LONG:
		return -EBADMSG;
	case CTL_FRAME_WHOLE:
		break;
	}
	rc = ctl_call_parse(bytes, msg_size, &call);
	evbuffer_drain(in, msg_size + 1);
	if (rc < 0) {
		return rc;
	}
	c->is_oneway = call.is_oneway;
	c->is_replied = false;
	c->sock->handler.call(c->sock->handler.ctx, c, &call);
	ctl_call_fini(&call);
	return 1;
}

/* Takes ownership of msg; NULL (out of memory) becomes an error reply. */
static void send_msg(struct ctl_client *c, char *msg, size_t size)
{
	static const char no_memory[] = "{\"error\":\"" CTL_INTERFACE ".OutOfMemory\"}";

	if (msg == NULL) {
		bufferevent_write(c->bev, no_memory, sizeof(no_memory));
		c->is_replied = true;
		return;
	}
	bufferevent_write(c->bev, msg, size);
	free(msg);
}

static void client_free(struct ctl_client *c)
{
	if (c->stream != NULL) {
		c->stream->free(c->stream);
	}
	LIST_REMOVE(c, link);
	c->sock->clients_len--;
	c->sock->readers_len -= c->access == CTL_ACCESS_READ;
	if (c->again != NULL) {
		event_free(c->again);
	}
	bufferevent_free(c->bev);
	free(c);
}
