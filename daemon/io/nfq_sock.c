/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue's netlink socket. Knows the transport, not the packets.
 *
 * - One message binds the queue and sets all its parameters: a queue that is bound but not set up
 *   drops packets.
 * - NETLINK_NO_ENOBUFS: otherwise after one overflow the kernel refuses every packet until the
 *   socket has been read empty.
 * - recvmmsg() with MSG_WAITFORONE waits for the first datagram and returns all that are waiting;
 *   the kernel puts one packet into each.
 */
#include "nfq_sock.h"

#include "clock.h"
#include "mem.h"
#include "nfq_proc.h"

#include <finwall/stats.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The largest part of a packet that the kernel copies, in bytes. */
#define COPY_MAX 0xffffu

/* Retries of a failed send, a millisecond apart. */
#define SEND_RETRIES_MAX 1000

/* Receives within which the reply to a request must arrive: two seconds. */
#define ACK_TURNS_MAX 20

/* A buffer for any configuration message, in bytes. */
#define CONFIG_SIZE 256

/* A failed call may fail again: sleep so long before the next. */
#define RETRY_MSEC 1

#define CACHE_LINE_SIZE 64

struct nfq_sock {
	/* set once */
	struct mnl_socket *nl;
	struct nfq_counters *counters;
	uint8_t *bufs; /* NFQ_SOCK_BATCH_MAX of buf_size bytes */
	size_t buf_size;
	struct nfq_params params;
	uint16_t queue;
	/* the last batch */
	struct mmsghdr msgs[NFQ_SOCK_BATCH_MAX];
	struct iovec iov[NFQ_SOCK_BATCH_MAX];
	struct sockaddr_nl from[NFQ_SOCK_BATCH_MAX];
	unsigned filled; /* of msgs: the kernel has written their lengths */
	uint32_t seq;
};

static int sock_new(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                    struct nfq_sock **out);
static bool is_netfilter_socket(int fd);
static int check_holder(uint16_t queue, int fd);
static int open_socket(struct nfq_sock *s);
static int set_timeout(struct nfq_sock *s);
static int set_up_socket(struct nfq_sock *s);
static int bind_queue(struct nfq_sock *s);
static int renew_queue(struct nfq_sock *s);
static int map_buffers(struct nfq_sock *s);
static int send_config(struct nfq_sock *s, struct nlmsghdr *nlh);
static int await_ack(struct nfq_sock *s);

static void count(struct nfq_sock *s, enum nfq_count c)
{
	stat_add(&s->counters->count[c], 1);
}

int nfq_sock_open(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                  struct nfq_sock **out)
{
	struct nfq_sock *s;
	int err = sock_new(queue, params, counters, &s);

	if (err != 0) {
		return err;
	}
	err = open_socket(s);
	if (err == 0) {
		err = set_up_socket(s);
	}
	if (err == 0) {
		err = bind_queue(s);
	}
	if (err == -EOPNOTSUPP && s->params.wants_conntrack) {
		/* This kernel has no support for it, and has refused the whole message. */
		s->params.wants_conntrack = false;
		err = bind_queue(s);
	}
	if (err != 0) {
		nfq_sock_close(s);
		return err;
	}
	*out = s;
	return 0;
}

int nfq_sock_adopt(int fd, uint16_t queue, const struct nfq_params *params,
                   struct nfq_counters *counters, struct nfq_sock **out)
{
	struct nfq_sock *s = NULL;
	int err = is_netfilter_socket(fd) ? sock_new(queue, params, counters, &s) : -EINVAL;

	if (err != 0) {
		(void)close(fd);
		return err;
	}
	s->nl = mnl_socket_fdopen(fd);
	if (s->nl == NULL) {
		err = -errno;
		(void)close(fd);
	}
	if (err == 0) {
		err = check_holder(queue, nfq_sock_fd(s));
	}
	if (err == 0) {
		err = set_up_socket(s);
	}
	if (err == 0) {
		err = renew_queue(s);
	}
	if (err != 0) {
		nfq_sock_close(s);
		return err;
	}
	*out = s;
	return 0;
}

int nfq_sock_fd(const struct nfq_sock *s)
{
	return mnl_socket_get_fd(s->nl);
}

void nfq_sock_close(struct nfq_sock *s)
{
	if (s == NULL) {
		return;
	}
	if (s->nl != NULL) {
		mnl_socket_close(s->nl);
	}
	mem_unmap(s->bufs, s->buf_size * NFQ_SOCK_BATCH_MAX);
	free(s);
}

uint32_t nfq_sock_rcvbuf(const struct nfq_sock *s)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	if (getsockopt(mnl_socket_get_fd(s->nl), SOL_SOCKET, SO_RCVBUF, &bytes, &size) != 0) {
		return 0;
	}
	return (uint32_t)bytes / 2; /* the kernel doubles the value that was set */
}

/* One receive. Returns the number of datagrams, or -errno. */
static int receive(struct nfq_sock *s, int flags)
{
	int len;

	for (unsigned i = 0; i < s->filled; i++) {
		s->msgs[i].msg_hdr.msg_namelen = sizeof(s->from[i]);
	}
	len = recvmmsg(mnl_socket_get_fd(s->nl), s->msgs, NFQ_SOCK_BATCH_MAX, flags, NULL);
	s->filled = len > 0 ? (unsigned)len : 0;
	return len >= 0 ? len : -errno;
}

/* Polls for spin_us. Returns as receive() does. */
static int spin(struct nfq_sock *s)
{
	int len = receive(s, MSG_DONTWAIT);
	struct mono until;

	if (len != -EAGAIN) {
		return len;
	}
	until = mono_add(clock_now(), s->params.spin_us * NSEC_PER_USEC);
	do {
		len = receive(s, MSG_DONTWAIT);
	} while (len == -EAGAIN && !mono_is_due(until, clock_now()));
	return len;
}

unsigned nfq_sock_recv(struct nfq_sock *s)
{
	int len = s->params.spin_us > 0 ? spin(s) : -EAGAIN;

	if (len == -EAGAIN) {
		len = receive(s, MSG_WAITFORONE);
	}
	if (len > 0) {
		count(s, NFQ_COUNT_BATCHES);
		if (len == NFQ_SOCK_BATCH_MAX) {
			count(s, NFQ_COUNT_BATCHES_FULL);
		}
		return (unsigned)len;
	}
	if (len == 0 || len == -EAGAIN) {
		count(s, NFQ_COUNT_IDLE);
		return 0;
	}
	count(s, NFQ_COUNT_RECV_FAILS);
	if (len != -EINTR) {
		/* It may fail again: do not spin. */
		(void)poll(NULL, 0, RETRY_MSEC);
	}
	return 0;
}

unsigned nfq_sock_recv_within(struct nfq_sock *s, int64_t wait_ns)
{
	struct pollfd fd = { .fd = mnl_socket_get_fd(s->nl), .events = POLLIN };
	struct timespec wait = {
		.tv_sec = wait_ns > 0 ? wait_ns / NSEC_PER_SEC : 0,
		.tv_nsec = wait_ns > 0 ? wait_ns % NSEC_PER_SEC : 0,
	};

	if (ppoll(&fd, 1, &wait, NULL) == 0) {
		s->filled = 0;
		return 0;
	}
	return nfq_sock_recv(s);
}

struct cursor nfq_sock_datagram(const struct nfq_sock *s, unsigned i)
{
	const struct mmsghdr *m = &s->msgs[i];
	const uint8_t *data = s->bufs + i * s->buf_size;
	size_t size = m->msg_len < s->buf_size ? m->msg_len : s->buf_size;

	if (m->msg_hdr.msg_namelen != sizeof(s->from[i]) || s->from[i].nl_pid != 0) {
		stat_add(&s->counters->count[NFQ_COUNT_FOREIGN], 1);
		size = 0;
	}
	if ((m->msg_hdr.msg_flags & MSG_TRUNC) != 0) {
		stat_add(&s->counters->count[NFQ_COUNT_TRUNCATED], 1);
	}
	return (struct cursor){ data, data + size };
}

int nfq_sock_send(struct nfq_sock *s, struct nfq_out *o)
{
	int err = 0;

	for (unsigned retries = 0; o->size > 0; retries++) {
		if (mnl_socket_sendto(s->nl, o->data, o->size) >= 0) {
			break;
		}
		err = -errno;
		count(s, NFQ_COUNT_SEND_FAILS);
		if (retries == SEND_RETRIES_MAX) {
			stat_add(&s->counters->count[NFQ_COUNT_VERDICTS_LOST], o->len);
			nfq_out_clear(o);
			return err;
		}
		if (err != -EINTR) {
			(void)poll(NULL, 0, RETRY_MSEC);
		}
	}
	nfq_out_clear(o);
	return 0;
}

void nfq_sock_wake(const struct nfq_sock *s)
{
	const struct nlmsghdr nothing = {
		.nlmsg_len = sizeof(nothing),
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_ACK,
	};

	(void)mnl_socket_sendto(s->nl, &nothing, sizeof(nothing));
}

void nfq_sock_end_unanswered(struct nfq_sock *s, uint32_t first_id)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, s->queue);

	nfq_nlmsg_verdict_put(nlh, (int)(first_id - 1),
	                      s->params.on_absent == NFQ_DEFAULT_ACCEPT ? NF_ACCEPT : NF_DROP);
	nlh->nlmsg_seq = NFQ_SOCK_SEQ_UNANSWERED;
	(void)mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len);
}

int nfq_sock_refuse(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);
	uint32_t fail_open = s->params.on_absent == NFQ_DEFAULT_ACCEPT ? NFQA_CFG_F_FAIL_OPEN : 0;

	nfq_nlmsg_cfg_put_qmaxlen(nlh, 0);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(fail_open));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
	return send_config(s, nlh);
}

int nfq_sock_unbind(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_UNBIND);
	return send_config(s, nlh);
}

/* Makes all but the socket itself. */
static int sock_new(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                    struct nfq_sock **out)
{
	struct nfq_sock *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL) {
		return -ENOMEM;
	}
	s->queue = queue;
	s->params = *params;
	s->counters = counters;
	err = map_buffers(s);
	if (err != 0) {
		nfq_sock_close(s);
		return err;
	}
	*out = s;
	return 0;
}

static int open_socket(struct nfq_sock *s)
{
	s->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (s->nl == NULL || mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID) != 0) {
		return -errno;
	}
	return 0;
}

static int socket_option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static bool is_netfilter_socket(int fd)
{
	return socket_option(fd, SO_DOMAIN) == AF_NETLINK &&
	       socket_option(fd, SO_PROTOCOL) == NETLINK_NETFILTER;
}

/* Sends a request with an acknowledgement. Returns what the kernel replied, or -errno. */
static int request(struct nfq_sock *s, struct nlmsghdr *nlh)
{
	int err;

	nlh->nlmsg_flags |= NLM_F_ACK;
	err = send_config(s, nlh);
	return err != 0 ? err : await_ack(s);
}

/*
 * Two requests through another socket. The first one has no effect (obsolete since Linux 3.8) and
 * fails only without CAP_NET_ADMIN. With it, the second one fails with EPERM when the queue is
 * bound, because to another socket than this one, and with ENODEV when it is not.
 */
static int request_bound(struct nfq_sock *other, uint16_t queue)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	int err;

	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_BIND);
	err = request(other, nlh);
	if (err != 0) {
		return err;
	}
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 1);
	err = request(other, nlh);
	return err == -EPERM ? 0 : err;
}

/* Returns -EBUSY when /proc shows that the queue is bound to another socket than fd. */
static int compare_port(uint16_t queue, int fd)
{
	struct sockaddr_nl own = { .nl_pid = 0 };
	socklen_t size = sizeof(own);
	struct nfq_proc proc;

	if (nfq_proc_read(queue, &proc) != 0) {
		return 0; /* only root and its group may read it */
	}
	if (getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
		return -errno;
	}
	return proc.portid == own.nl_pid ? 0 : -EBUSY;
}

/*
 * Returns 0 when the queue is bound to the socket fd. The requests use another socket, because on
 * fd the reply would follow all waiting packets.
 */
static int check_holder(uint16_t queue, int fd)
{
	static const struct nfq_params params = { .copy_bytes = 64 };
	struct nfq_counters counters = { 0 };
	struct nfq_sock *other;
	int err = sock_new(queue, &params, &counters, &other);

	if (err != 0) {
		return err;
	}
	err = open_socket(other);
	if (err == 0) {
		err = set_timeout(other);
	}
	if (err == 0) {
		err = request_bound(other, queue);
	}
	nfq_sock_close(other);
	return err != 0 ? err : compare_port(queue, fd);
}

static int map_buffers(struct nfq_sock *s)
{
	size_t copy = s->params.copy_bytes == 0 ? COPY_MAX : s->params.copy_bytes;
	size_t overhead = NFQ_MSG_OVERHEAD + (s->params.wants_conntrack ? NFQ_MSG_CT_OVERHEAD : 0);

	s->buf_size = (copy + overhead + CACHE_LINE_SIZE - 1) & ~(size_t)(CACHE_LINE_SIZE - 1);
	s->bufs = mem_map(s->buf_size * NFQ_SOCK_BATCH_MAX);
	if (s->bufs == NULL) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < NFQ_SOCK_BATCH_MAX; i++) {
		s->iov[i] = (struct iovec){ s->bufs + i * s->buf_size, s->buf_size };
		s->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &s->from[i],
			                              .msg_namelen = sizeof(s->from[i]),
			                              .msg_iov = &s->iov[i],
			                              .msg_iovlen = 1 };
	}
	return 0;
}

/* More than net.core.rmem_max needs CAP_NET_ADMIN; without it the kernel sets that limit. */
static int set_rcvbuf(int fd, uint32_t bytes)
{
	int want = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) == 0) {
		return 0;
	}
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want)) == 0 ? 0 : -errno;
}

/* A receive waits at most NFQ_SOCK_WAIT_MSEC. */
static int set_timeout(struct nfq_sock *s)
{
	struct timeval wait = { .tv_usec = NFQ_SOCK_WAIT_MSEC * 1000 };

	return setsockopt(nfq_sock_fd(s), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0
	               ? -errno
	               : 0;
}

static int set_up_socket(struct nfq_sock *s)
{
	int on = 1;
	int err = set_timeout(s);

	if (err != 0) {
		return err;
	}
	if (mnl_socket_setsockopt(s->nl, NETLINK_NO_ENOBUFS, &on, sizeof(on)) != 0) {
		return -errno;
	}
	/* Error messages without the whole request; kernels before 4.3 send it, which is fine. */
	(void)mnl_socket_setsockopt(s->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return set_rcvbuf(nfq_sock_fd(s), s->params.rcvbuf_bytes);
}

/* Appends all parameters. */
static void put_params(const struct nfq_sock *s, struct nlmsghdr *nlh)
{
	uint32_t copy = s->params.copy_bytes == 0 ? COPY_MAX : s->params.copy_bytes;
	uint32_t flags = NFQA_CFG_F_GSO;

	if (s->params.on_overload == NFQ_DEFAULT_ACCEPT) {
		flags |= NFQA_CFG_F_FAIL_OPEN;
	}
	if (s->params.wants_conntrack) {
		flags |= NFQA_CFG_F_CONNTRACK;
	}
	if (s->params.wants_owner) {
		flags |= NFQA_CFG_F_UID_GID;
	}
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)copy);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, s->params.len);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK,
	                 htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN |
	                       (flags & (NFQA_CFG_F_CONNTRACK | NFQA_CFG_F_UID_GID))));
}

static int bind_queue(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	put_params(s, nlh);
	return request(s, nlh);
}

/* Without an acknowledgement: waiting packets, which are the worker's, would precede it. */
static int renew_queue(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);

	put_params(s, nlh);
	return send_config(s, nlh);
}

static int send_config(struct nfq_sock *s, struct nlmsghdr *nlh)
{
	nlh->nlmsg_seq = ++s->seq;
	return mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* Finds the reply to the last request in one datagram; appends verdicts for packets before it. */
static bool find_ack(struct nfq_sock *s, struct cursor datagram, struct nfq_out *verdicts, int *err)
{
	uint32_t verdict = s->params.on_absent == NFQ_DEFAULT_ACCEPT ? NF_ACCEPT : NF_DROP;
	enum nfq_result result;
	struct nfq_pkt pkt;

	while ((result = nfq_msg_next(&datagram, &pkt)) != NFQ_MSG_END) {
		if (result == NFQ_MSG_ERROR && pkt.seq == s->seq) {
			*err = -pkt.error;
			return true;
		}
		if (pkt.id_is_known) {
			(void)nfq_put_verdict(verdicts, s->queue, pkt.id, verdict);
		}
	}
	return false;
}

/* The queue works as soon as it is bound, so packets may arrive before the acknowledgement. */
static int await_ack(struct nfq_sock *s)
{
	uint8_t buf[NFQ_SOCK_BATCH_MAX * NFQ_VERDICT_SIZE];
	struct nfq_out verdicts = { .data = buf, .buf_size = sizeof(buf) };
	int err = -ETIMEDOUT;

	for (unsigned turn = 0; turn < ACK_TURNS_MAX; turn++) {
		unsigned len = nfq_sock_recv(s);
		bool found = false;

		for (unsigned i = 0; i < len; i++) {
			found |= find_ack(s, nfq_sock_datagram(s, i), &verdicts, &err);
		}
		(void)nfq_sock_send(s, &verdicts);
		if (found) {
			break;
		}
	}
	return err;
}
