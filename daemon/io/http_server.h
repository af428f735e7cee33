/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small HTTP/1.1 server for documents that are read as a whole: GET and HEAD, one request per
 * connection, on the loopback addresses and on a UNIX socket.
 *
 * Runs on the main loop and never blocks. Not libevent's evhttp, which bounds neither the number of
 * clients nor the time of a request: here a client has ten seconds in all, and a few kilobytes.
 * Main thread only.
 */
#ifndef FINWALL_IO_HTTP_SERVER_H
#define FINWALL_IO_HTTP_SERVER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;

struct http_document {
	char *text; /* malloc'd; the server frees it */
	size_t size;
	const char *type; /* content type */
};

/* Makes the document at path; accept: the client's header, "" if there is none. Returns 0, -ENOENT,
 * or another -errno. */
struct http_handler {
	int (*get)(void *ctx, const char *path, const char *accept, struct http_document *out);
	void *ctx;
};

/* Returns NULL when memory ran out. base is borrowed until http_server_free(). */
struct http_server *http_server_new(struct event_base *base, const struct http_handler *handler);

/* Closes sockets and clients, and removes the socket's file; NULL is fine. */
void http_server_free(struct http_server *s);

/* Listens on 127.0.0.1, and on ::1 where there is IPv6. Once. Returns 0/-errno. */
int http_server_listen_loopback(struct http_server *s, uint16_t port);

/* Listens at path, with permissions 0660; replaces the socket of a process that has exited. Once.
 * Returns 0/-errno; -EEXIST: another file, -EADDRINUSE: a process answers there. */
int http_server_listen_unix(struct http_server *s, const char *path);

/* Clients that were too many, too slow or invalid. */
uint64_t http_server_refused(const struct http_server *s);

#endif
