/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw packet sender: a separate process that turns requests into raw packets.
 *
 * Its raw sockets are opened and marked before it is forked, by the daemon or by the opener. It has
 * no connection table: that memory is hidden from it. It drops all capabilities, and a seccomp
 * filter allows only receive, send and exit. It exits when the daemon closes its end.
 */
#ifndef FINWALL_IO_RAWSEND_H
#define FINWALL_IO_RAWSEND_H

#include <finwall/engine.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rawsend {
	int fd;    /* the daemon's end of the socket pair; -1 when there is none */
	pid_t pid; /* of the process; 0 when there is none, or it has exited */
};

/* The pid of a process that the opener has started. */
#define RAWSEND_OTHERS ((pid_t)-1)

#define RAWSEND_NONE ((struct rawsend){ .fd = -1 })

/*
 * Starts the process; mark: of its packets (hookmark.h). Needs CAP_NET_RAW, or an opener
 * (opener.h). May be called while other threads run. Returns 0, or -errno with *r set to
 * RAWSEND_NONE; with an opener that does not answer r->fd is a connection that sends nothing, so
 * that rawsend_restart() can be tried later.
 */
int rawsend_start(struct rawsend *r, uint32_t mark);

/*
 * For the opener: starts the process, which receives its requests from the socket requests. The
 * caller closes its own copy of that, and waits for the process. Returns 0 with *pid, or -errno.
 */
int rawsend_spawn(int requests, uint32_t mark, pid_t *pid);

/*
 * Returns true once after the process has exited, with *by_signal the signal, or 0. Main thread.
 */
bool rawsend_has_ended(struct rawsend *r, int *by_signal);

/*
 * Starts another process after one has exited. r->fd keeps its number, so that other threads can
 * use their copies of *r. Main thread. Returns 0, or -errno with *r unchanged.
 */
int rawsend_restart(struct rawsend *r, uint32_t mark);

/* Stops the process and waits for it; RAWSEND_NONE is fine. */
void rawsend_stop(struct rawsend *r);

/* A request, and for RAW_ERROR the bytes to quote: borrowed, at most RAW_QUOTE_MAX_IP6. */
struct raw_out {
	struct raw_request req;
	const uint8_t *quote;
	size_t quote_size;
};

/* Sends one request. Never blocks. Any thread. Returns 0, or -errno when the request is lost. */
int rawsend_put_one(const struct rawsend *r, const struct raw_out *out);

#define RAWSEND_LEN_MAX ENGINE_BATCH_MAX

/*
 * Sends len <= RAWSEND_LEN_MAX requests, by one system call unless one is lost. Never blocks. Any
 * thread. Returns the number of requests that are lost.
 */
size_t rawsend_put(const struct rawsend *r, const struct raw_out *out, size_t len);

/*
 * The same for what can wait. Returns 0 with *sent the number of requests that were sent, fewer
 * than len when the buffer is full; or -errno: the others are lost, because there is no process.
 */
int rawsend_try(const struct rawsend *r, const struct raw_out *out, size_t len, size_t *sent);

#endif
