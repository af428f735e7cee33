/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw sender: a process of its own that turns fixed-size requests into raw packets and can do
 * nothing else.
 *
 * It is made only if the configuration needs it (policies reject, reset, probe). Its two raw
 * sockets are opened, and marked, before it gives up every capability; then a seccomp filter leaves
 * it receive, send and exit. It ends when the daemon closes its side.
 */
#ifndef FINWALL_IO_RAWSEND_H
#define FINWALL_IO_RAWSEND_H

#include <finwall/engine.h>

#include <stdbool.h>
#include <sys/types.h>

struct rawsend {
	int fd;    /* the daemon's side of the socket pair; -1 when there is none */
	pid_t pid; /* the sender; 0 when there is none, or it has ended */
};

#define RAWSEND_NONE ((struct rawsend){ .fd = -1 })

/*
 * Starts the process; mark is what its packets carry (hookmark.h). Needs CAP_NET_RAW. Returns 0, or
 * -errno with *r set to RAWSEND_NONE. May be called while other threads run.
 */
int rawsend_start(struct rawsend *r, uint32_t mark);

/* True when the process has ended, by itself (signal 0) or killed; says so once. Main thread. */
bool rawsend_has_ended(struct rawsend *r, int *by_signal);

/*
 * Starts another process in the place of one that has ended, behind the same r->fd, so that nobody
 * who puts requests there needs to know. Returns 0, or -errno with everything as it was.
 */
int rawsend_restart(struct rawsend *r, uint32_t mark);

/* Ends the process and waits for it; RAWSEND_NONE is fine. */
void rawsend_stop(struct rawsend *r);

/* Hands over one request. Never blocks. Returns 0, or -errno when it was lost. Any thread. */
int rawsend_put(const struct rawsend *r, const struct raw_request *req);

#endif
