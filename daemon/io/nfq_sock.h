/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue's netlink socket: bind it, receive batches, send verdicts, give it up.
 *
 * Used by one thread at a time. Nothing here is fatal once the queue is bound: what goes wrong is
 * counted and tried again.
 */
#ifndef FINWALL_IO_NFQ_SOCK_H
#define FINWALL_IO_NFQ_SOCK_H

#include "nfq_count.h"

#include <finwall/bytes.h>
#include <finwall/config.h>
#include <finwall/nfq_msg.h>

#include <stdbool.h>
#include <stdint.h>

/* At most this many datagrams in one receive. */
#define NFQ_SOCK_BATCH_MAX 64

/* A receive waits at most this long, so that an idle worker can look after other things. */
#define NFQ_SOCK_WAIT_MSEC 100

struct nfq_sock;

struct nfq_params {
	uint32_t len; /* packets the kernel may hold */
	uint32_t rcvbuf_bytes;
	uint32_t copy_bytes;        /* of each packet; 0 = all of it */
	uint32_t spin_us;           /* how long a receive asks again before it sleeps */
	bool wants_conntrack;       /* what the kernel's tracker says, where the kernel can tell */
	enum fail_mode on_overload; /* queue or receive buffer full */
	enum fail_mode on_absent; /* for packets that come while the queue is set up or given up */
};

/*
 * Opens a socket and binds the queue with everything set. Counters are borrowed until it is closed.
 * Returns 0 and the socket, or -errno: -EPERM or -EBUSY also when somebody else holds the queue.
 */
int nfq_sock_open(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                  struct nfq_sock **out);

/*
 * Takes over the socket fd that an earlier process bound this queue to: the queue, and what waits
 * in it, have survived. Settings are made anew. fd becomes the socket's, or is closed on error.
 * Returns 0, -EINVAL for a descriptor that is no such socket, -ENODEV when the queue is gone, or
 * another -errno.
 */
int nfq_sock_adopt(int fd, uint16_t queue, const struct nfq_params *params,
                   struct nfq_counters *counters, struct nfq_sock **out);

/* The socket's descriptor, to be handed to another process. */
int nfq_sock_fd(const struct nfq_sock *s);

/* Closes it, and the queue with it unless another process has it too; NULL is fine. */
void nfq_sock_close(struct nfq_sock *s);

/* What the kernel granted for the receive buffer, in bytes. */
uint32_t nfq_sock_rcvbuf(const struct nfq_sock *s);

/*
 * Receives what is there, or waits up to NFQ_SOCK_WAIT_MSEC for the first datagram. Returns how
 * many (0 = none came, or the call failed, which is counted); they stay valid until the next call.
 * One system call; more, and readings of the clock, only where it is to spin.
 */
unsigned nfq_sock_recv(struct nfq_sock *s);

/* Datagram i of the last receive; empty when it did not come from the kernel. */
struct cursor nfq_sock_datagram(const struct nfq_sock *s, unsigned i);

/*
 * Sends all verdicts in o with one call and empties it. Verdicts that cannot be handed over after
 * many tries are given up and counted.
 */
void nfq_sock_send(struct nfq_sock *s, struct nfq_out *o);

/*
 * Of an adopted queue: answers what its last owner received and did not answer, as on_absent says.
 * first_id is the first packet that was received here. Where there is nothing, the kernel answers
 * with an error message that has this sequence number.
 */
#define NFQ_SOCK_SEQ_LEFTOVERS UINT32_MAX
void nfq_sock_end_leftovers(struct nfq_sock *s, uint32_t first_id);

/* From now on the kernel queues nothing more, and does with new packets what on_absent says. */
int nfq_sock_refuse(struct nfq_sock *s);

/* Gives the queue up. Packets that still wait are dropped by the kernel. */
int nfq_sock_unbind(struct nfq_sock *s);

#endif
