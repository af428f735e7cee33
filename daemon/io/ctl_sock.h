/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a UNIX stream socket, its clients, and limits on what they may cost.
 *
 * Runs on the main loop and never blocks. Calls of one client are answered one after the other; a
 * long answer is made piece by piece as the client reads it. Who a client is comes from the kernel:
 * root and the daemon's own user are heard, nobody else.
 */
#ifndef FINWALL_IO_CTL_SOCK_H
#define FINWALL_IO_CTL_SOCK_H

#include <finwall/ctl_msg.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct ctl_sock;
struct ctl_client;

/* An answer that is made in pieces. The handler embeds it in what it needs for that. */
struct ctl_stream {
	/* Sends one piece; after the last reply, ctl_client_error() included, it is done. */
	void (*next)(struct ctl_stream *s, struct ctl_client *c);
	/* Done, or the client is gone. */
	void (*free)(struct ctl_stream *s);
	/* It has no last reply: it is over when the client closes its sending side. */
	bool is_endless;
};

struct ctl_handler {
	/* One call. Answer it here, or start a stream. Borrows call. */
	void (*call)(void *ctx, struct ctl_client *c, const struct ctl_call *call);
	void *ctx;
};

/*
 * Listens at path, whose directory is made if need be. A socket that a dead daemon left is
 * replaced. Returns 0 or -errno; -EADDRINUSE when a daemon answers there.
 */
int ctl_sock_open(struct event_base *base, const char *path, const struct ctl_handler *handler,
                  struct ctl_sock **out);

/* Closes it and all clients, and removes the file; NULL is fine. */
void ctl_sock_close(struct ctl_sock *s);

/* Answer. parameters may be NULL and is taken over. A call marked oneway is not answered. */
void ctl_client_reply(struct ctl_client *c, json_t *parameters, enum ctl_more more);
void ctl_client_error(struct ctl_client *c, const char *error, json_t *parameters);

/* Bytes of replies that the client has not read yet. */
size_t ctl_client_backlog(const struct ctl_client *c);

/* Answers the current call in pieces; takes s over. */
void ctl_client_stream(struct ctl_client *c, struct ctl_stream *s);

#endif
