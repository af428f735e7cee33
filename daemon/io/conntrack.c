/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump by ctnetlink: one socket, one request, datagrams until the message NLMSG_DONE. */
#include "conntrack.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel's largest datagram of a dump: NLMSG_GOODSIZE, at most 32 KiB. */
#define DATAGRAM_SIZE 32768

/* The kernel replies at once: without a datagram for so long the dump has failed. */
#define TIMEOUT_SEC 5

/* Sequence number of the request. */
#define SEQ 1

struct dump {
	struct mnl_socket *nl;
	conntrack_each_fn *each;
	void *ctx;
	uint64_t *unread;
};

enum progress {
	DUMP_CONTINUES,
	DUMP_DONE,
};

static int send_request(const struct dump *d);
static int read_datagram(const struct dump *d);

bool conntrack_is_loaded(void)
{
	/* At least one of them exists with any build of the tracker and any view of /proc. */
	return access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) == 0 ||
	       access("/proc/thread-self/net/nf_conntrack", F_OK) == 0;
}

int64_t conntrack_established_s(void)
{
	FILE *f = fopen("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "re");
	long long seconds = -1;

	if (f == NULL) {
		return -1;
	}
	if (fscanf(f, "%lld", &seconds) != 1) {
		seconds = -1;
	}
	(void)fclose(f);
	return seconds;
}

int conntrack_dump(conntrack_each_fn *each, void *ctx, uint64_t *unread)
{
	struct dump d = { .each = each, .ctx = ctx, .unread = unread };
	int res;

	*unread = 0;
	d.nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (d.nl == NULL) {
		return -errno;
	}
	res = send_request(&d);
	while (res == DUMP_CONTINUES) {
		res = read_datagram(&d);
	}
	mnl_socket_close(d.nl);
	return res == DUMP_DONE ? 0 : res;
}

/* Returns DUMP_CONTINUES or -errno. */
static int send_request(const struct dump *d)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_SEC };
	uint8_t request[CONNTRACK_REQUEST_SIZE];

	conntrack_put_request(SEQ, request);
	if (mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    setsockopt(mnl_socket_get_fd(d->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	               sizeof(timeout)) != 0 ||
	    mnl_socket_sendto(d->nl, request, sizeof(request)) < 0) {
		return -errno;
	}
	return DUMP_CONTINUES;
}

static int read_messages(const struct dump *d, struct cursor datagram)
{
	struct kernel_conn conn;
	int error = 0;

	for (;;) {
		switch (conntrack_msg_next(&datagram, SEQ, &conn, &error)) {
		case CONNTRACK_ENTRY:
			d->each(d->ctx, &conn);
			break;
		case CONNTRACK_BAD:
			++*d->unread;
			break;
		case CONNTRACK_OTHER:
			break;
		case CONNTRACK_END:
			return DUMP_CONTINUES;
		case CONNTRACK_DONE:
			return DUMP_DONE;
		case CONNTRACK_ERROR:
			return error != 0 ? -error : -EPROTO;
		}
	}
}

/* Returns an enum progress or -errno. */
static int read_datagram(const struct dump *d)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[DATAGRAM_SIZE];
	struct sockaddr_nl from = { .nl_pid = 0 };
	socklen_t from_size = sizeof(from);
	ssize_t size = recvfrom(mnl_socket_get_fd(d->nl), bytes, sizeof(bytes), 0,
	                        (struct sockaddr *)&from, &from_size);

	if (size < 0) {
		return errno == EINTR ? DUMP_CONTINUES : errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	if (from.nl_pid != 0) {
		return DUMP_CONTINUES; /* not from the kernel */
	}
	return read_messages(d, (struct cursor){ bytes, bytes + size });
}
