/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue's netlink socket. Knows how to talk, not what to say: no packet is looked into here.
 *
 * - All settings go into the one message that binds the queue, so that no packet meets a queue that
 *   is bound but not set up (in that state the kernel drops).
 * - NETLINK_NO_ENOBUFS: otherwise one overflow makes the kernel refuse every further packet until
 * the socket has been read empty.
 * - recvmmsg() with MSG_WAITFORONE waits for the first datagram and takes what else is there; the
 *   kernel puts one packet into each.
 */
#include "nfq_sock.h"

#include "clock.h"
#include "mem.h"

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

/* The largest copy that the kernel makes. */
#define COPY_MAX 0xffffu

/* How often a send is tried, a millisecond apart, before its verdicts are given up. */
#define SEND_TRIES_MAX 1000

/* Receives that may pass before the answer to a request must have come: two seconds. */
#define ACK_TURNS_MAX 20

/* Room for any message of ours to the kernel. */
#define CONFIG_SIZE 256

struct nfq_sock {
	/* set once */
	struct mnl_socket *nl;
	struct nfq_counters *counters;
	uint8_t *bufs; /* NFQ_SOCK_BATCH_MAX pieces */
	size_t buf_size;
	struct nfq_params params;
	uint16_t queue;
	/* the batch that was received last */
	struct mmsghdr msgs[NFQ_SOCK_BATCH_MAX];
	struct iovec iov[NFQ_SOCK_BATCH_MAX];
	struct sockaddr_nl from[NFQ_SOCK_BATCH_MAX];
	unsigned filled; /* of msgs, those whose lengths the kernel has written into */
	uint32_t seq;
};

static int sock_new(uint16_t queue, const struct nfq_params *params, struct nfq_counters *counters,
                    struct nfq_sock **out);
static bool is_netfilter_socket(int fd);
static int check_queue(uint16_t queue);
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
		/* This kernel cannot tell, and has refused the message whole. */
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
		err = check_queue(queue);
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
	return (uint32_t)bytes / 2; /* the kernel doubles what it was asked for */
}

/* One receive. Returns how many datagrams, or -errno. */
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

/* Asks again and again for a while. Returns as receive() does. */
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
		/* Whatever it is may last: do not spin on it. */
		(void)poll(NULL, 0, 1);
	}
	return 0;
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

void nfq_sock_send(struct nfq_sock *s, struct nfq_out *o)
{
	uint64_t verdicts = o->size / NFQ_VERDICT_SIZE;

	for (unsigned tries = 0; o->size > 0; tries++) {
		if (mnl_socket_sendto(s->nl, o->data, o->size) >= 0) {
			o->size = 0;
			return;
		}
		count(s, NFQ_COUNT_SEND_FAILS);
		if (tries == SEND_TRIES_MAX) {
			/* The packets stay in the kernel until the queue is closed. */
			stat_add(&s->counters->count[NFQ_COUNT_VERDICTS_LOST], verdicts);
			o->size = 0;
			return;
		}
		if (errno != EINTR) {
			(void)poll(NULL, 0, 1);
		}
	}
}

void nfq_sock_end_leftovers(struct nfq_sock *s, uint32_t first_id)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, s->queue);

	nfq_nlmsg_verdict_put(nlh, (int)(first_id - 1),
	                      s->params.on_absent == FAIL_ACCEPT ? NF_ACCEPT : NF_DROP);
	nlh->nlmsg_seq = NFQ_SOCK_SEQ_LEFTOVERS;
	(void)mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len);
}

int nfq_sock_refuse(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);
	uint32_t fail_open = s->params.on_absent == FAIL_ACCEPT ? NFQA_CFG_F_FAIL_OPEN : 0;

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

/* All but the socket itself. */
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

/*
 * Is the queue bound to anybody? Asked through another socket: on its own the answer would stand
 * behind all packets that wait. To a stranger the kernel says EPERM when it is, ENODEV when not.
 */
static int check_queue(uint16_t queue)
{
	static const struct nfq_params params = { .copy_bytes = 64 };
	struct nfq_counters counters = { 0 };
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	struct nfq_sock *asker;
	int err = sock_new(queue, &params, &counters, &asker);

	if (err != 0) {
		return err;
	}
	err = open_socket(asker);
	if (err == 0) {
		err = set_timeout(asker);
	}
	if (err == 0) {
		nfq_nlmsg_cfg_put_qmaxlen(nlh, 1);
		nlh->nlmsg_flags |= NLM_F_ACK;
		err = send_config(asker, nlh);
	}
	if (err == 0) {
		err = await_ack(asker);
	}
	nfq_sock_close(asker);
	return err == -EPERM ? 0 : err;
}

static int map_buffers(struct nfq_sock *s)
{
	size_t copy = s->params.copy_bytes == 0 ? COPY_MAX : s->params.copy_bytes;
	size_t overhead = NFQ_MSG_OVERHEAD + (s->params.wants_conntrack ? NFQ_MSG_CT_OVERHEAD : 0);

	s->buf_size = (copy + overhead + 63) & ~(size_t)63;
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

/* A large receive buffer needs CAP_NET_ADMIN; without it the system's limit is what we get. */
static int set_rcvbuf(int fd, uint32_t bytes)
{
	int want = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) == 0) {
		return 0;
	}
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want)) == 0 ? 0 : -errno;
}

/* A receive waits no longer than NFQ_SOCK_WAIT_MSEC. */
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
	/* Error messages need not quote the whole message; older kernels quote it, which is fine.
	 */
	(void)mnl_socket_setsockopt(s->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return set_rcvbuf(nfq_sock_fd(s), s->params.rcvbuf_bytes);
}

/* Adds what is to be set. */
static void put_params(const struct nfq_sock *s, struct nlmsghdr *nlh)
{
	uint32_t copy = s->params.copy_bytes == 0 ? COPY_MAX : s->params.copy_bytes;
	uint32_t flags = NFQA_CFG_F_GSO;

	if (s->params.on_overload == FAIL_ACCEPT) {
		flags |= NFQA_CFG_F_FAIL_OPEN;
	}
	if (s->params.wants_conntrack) {
		flags |= NFQA_CFG_F_CONNTRACK;
	}
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)copy);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, s->params.len);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(
		nlh, NFQA_CFG_MASK,
		htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN | (flags & NFQA_CFG_F_CONNTRACK)));
}

static int bind_queue(struct nfq_sock *s)
{
	char buf[CONFIG_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, s->queue);
	int err;

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	put_params(s, nlh);
	nlh->nlmsg_flags |= NLM_F_ACK;
	err = send_config(s, nlh);
	return err != 0 ? err : await_ack(s);
}

/* No answer is asked for: packets stand before it, and they are the worker's. */
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

/* Looks for the answer to the last request in one datagram; packets that precede it are answered.
 */
static bool find_ack(struct nfq_sock *s, struct cursor datagram, struct nfq_out *verdicts, int *err)
{
	uint32_t verdict = s->params.on_absent == FAIL_ACCEPT ? NF_ACCEPT : NF_DROP;
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

/* The queue lives from the moment it is bound, so packets may arrive before the acknowledgement. */
static int await_ack(struct nfq_sock *s)
{
	uint8_t room[NFQ_SOCK_BATCH_MAX * NFQ_VERDICT_SIZE];
	struct nfq_out verdicts = { .data = room, .capacity = sizeof(room) };
	int err = -ETIMEDOUT;

	for (unsigned turn = 0; turn < ACK_TURNS_MAX; turn++) {
		unsigned len = nfq_sock_recv(s);
		bool found = false;

		for (unsigned i = 0; i < len; i++) {
			found |= find_ack(s, nfq_sock_datagram(s, i), &verdicts, &err);
		}
		nfq_sock_send(s, &verdicts);
		if (found) {
			break;
		}
	}
	return err;
}
