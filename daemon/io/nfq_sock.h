/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue's netlink socket: bind, receive batches, send verdicts, unbind.
 *
 * Used by one thread at a time. Once the queue is bound no failure is fatal: it is counted, and the
 * call is retried.
 */
#ifndef FINWALL_IO_NFQ_SOCK_H
#define FINWALL_IO_NFQ_SOCK_H

#include "nfq_count.h"

#include <finwall/bytes.h>
#include <finwall/nfq_msg.h>

#include <stdbool.h>
#include <stdint.h>

/* At most this many datagrams in one receive. */
#define NFQ_SOCK_BATCH_MAX 64

/* A receive waits at most this long, so that an idle worker makes ten turns a second. */
#define NFQ_SOCK_WAIT_MSEC 100

struct nfq_sock;

/* The verdict of packets that do not get one from a worker. */
enum nfq_default {
	NFQ_DEFAULT_DROP,
	NFQ_DEFAULT_ACCEPT,
};

struct nfq_params {
	uint32_t len; /* packets the kernel may queue */
	uint32_t rcvbuf_bytes;
	uint32_t copy_bytes;          /* of each packet; 0 = all */
	uint32_t spin_us;             /* a receive polls so long before it sleeps */
	bool wants_conntrack;         /* messages carry the kernel tracker's state, if it can */
	bool wants_owner;             /* and the user and group of a local socket */
	enum nfq_default on_overload; /* the queue or the receive buffer is full */
	enum nfq_default on_absent;   /* while the queue is being bound or unbound */
};

/*
 * Opens a socket, and binds the queue with all params set. counters: borrowed until
 * nfq_sock_close(). Blocks, at most two seconds. Returns 0 with *out, or -errno: -EPERM or -EBUSY
 * also when another socket holds the queue.
 */
int nfq_sock_open(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                  struct nfq_sock **out);

/*
 * Adopts the socket fd to which an earlier process bound this queue: the queue and its waiting
 * packets have survived. Sets all params anew. Takes ownership of fd, also on failure. Returns 0
 * with *out, -EINVAL when fd is no netfilter socket, -ENODEV when the queue is not bound, -EBUSY
 * when another socket holds it, -EPERM without CAP_NET_ADMIN, or another -errno.
 */
int nfq_sock_adopt(int fd, uint16_t queue, const struct nfq_params *params,
                   struct nfq_counters *counters, struct nfq_sock **out);

/* Returns the socket's descriptor, which stays the socket's. */
int nfq_sock_fd(const struct nfq_sock *s);

/* Closes the socket; the kernel unbinds the queue unless another process has a copy. NULL is fine.
 */
void nfq_sock_close(struct nfq_sock *s);

/* Returns the size of the receive buffer that the kernel granted, in bytes. */
uint32_t nfq_sock_rcvbuf(const struct nfq_sock *s);

/*
 * Receives the waiting datagrams, or waits up to NFQ_SOCK_WAIT_MSEC for the first one. Returns
 * their number, 0 after a timeout or a failure, which is counted. They stay valid until the next
 * call. One system call; with spin_us more, and readings of the clock.
 */
unsigned nfq_sock_recv(struct nfq_sock *s);

/* The same, but waits no longer than so many nanoseconds for the first one. */
unsigned nfq_sock_recv_within(struct nfq_sock *s, int64_t wait_ns);

/* Returns datagram i of the last receive; empty when the kernel is not its sender. */
struct cursor nfq_sock_datagram(const struct nfq_sock *s, unsigned i);

/*
 * Sends all verdicts in o with one system call, and empties o. Retries a failed call, a millisecond
 * apart, for about a second. Returns 0, or -errno after the last retry: all verdicts of o are
 * counted as lost, and their packets stay in the kernel.
 */
int nfq_sock_send(struct nfq_sock *s, struct nfq_out *o);

/*
 * Ends the wait of nfq_sock_recv(), now or at its next call, by an empty acknowledgement. The only
 * call for other threads than the socket's.
 */
void nfq_sock_wake(const struct nfq_sock *s);

/*
 * Adopted queue: sends the verdict of on_absent for all packets that the earlier process received
 * without sending one. first_id: the first packet received here. When there are none, the kernel
 * replies with an error message with this sequence number.
 */
#define NFQ_SOCK_SEQ_UNANSWERED UINT32_MAX
void nfq_sock_end_unanswered(struct nfq_sock *s, uint32_t first_id);

/* Stops queueing: new packets get the verdict of on_absent. Returns 0/-errno. */
int nfq_sock_refuse(struct nfq_sock *s);

/* Unbinds the queue; the kernel drops waiting packets. Returns 0/-errno. */
int nfq_sock_unbind(struct nfq_sock *s);

#endif
