/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a UNIX stream socket, its clients, and limits on their memory and number.
 *
 * Runs on the main loop and never blocks. Calls of one client are handled in order; a long reply is
 * made in slices as the client reads it. Only root, the daemon's own user and, to read, the members
 * of a group may call, by SO_PEERCRED and SO_PEERGROUPS. Main thread only.
 */
#ifndef FINWALL_IO_CTL_SOCK_H
#define FINWALL_IO_CTL_SOCK_H

#include <finwall/ctl_msg.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct ctl_sock;
struct ctl_client;

/* A reply made in slices. The handler embeds it in its own state. */
struct ctl_stream {
	/* Sends one slice; NULL if replies are sent when something happens. The stream ends after a
	 * last reply or ctl_client_error(). */
	void (*next)(struct ctl_stream *s, struct ctl_client *c);
	/* Frees s: the stream has ended, or the client is gone. */
	void (*free)(struct ctl_stream *s);
	/* There is no last reply: the stream ends when the client closes its sending side. */
	bool is_endless;
};

/* What a client may call. */
enum ctl_access {
	CTL_ACCESS_READ,  /* a member of the group */
	CTL_ACCESS_WRITE, /* root, and the daemon's own user */
};

struct ctl_handler {
	/* Handles one call: replies, or starts a stream. Borrows call. */
	void (*call)(void *ctx, struct ctl_client *c, const struct ctl_call *call);
	void *ctx;
};

/*
 * Listens at path; makes its last directory if it is missing, and replaces the socket of a daemon
 * that has exited. base is borrowed until ctl_sock_close(). group: of readers, NULL =
 * none. Returns -ENOENT when there is no such group, 0 with *out, or -errno;
 * -EADDRINUSE when a daemon answers there.
 */
int ctl_sock_open(struct event_base *base, const char *path, const struct ctl_handler *handler,
                  const char *group, struct ctl_sock **out);

/* By the credentials that the kernel has of the client. */
enum ctl_access ctl_client_access(const struct ctl_client *c);

/* Closes the socket and all clients, and removes the file; NULL is fine. */
void ctl_sock_close(struct ctl_sock *s);

/* Reply to the current call. parameters may be NULL; its reference is stolen. A oneway call gets no
 * reply. */
void ctl_client_reply(struct ctl_client *c, json_t *parameters, enum ctl_more more);
/* As ctl_encode_array_reply(). */
void ctl_client_reply_array(struct ctl_client *c, const char *member, const char *elements,
                            size_t elements_size, json_t *rest, enum ctl_more more);
void ctl_client_error(struct ctl_client *c, const char *error, json_t *parameters);

/* Returns the bytes of replies that the client has not read yet. */
size_t ctl_client_backlog(const struct ctl_client *c);

/* Replies to the current call by a stream; takes ownership of s. */
void ctl_client_stream(struct ctl_client *c, struct ctl_stream *s);

/* Calls next() of the client's stream again after so many microseconds, if it sent no reply. */
void ctl_client_again(struct ctl_client *c, unsigned usec);

#endif
