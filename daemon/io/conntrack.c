/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump by ctnetlink: one request, one socket, datagrams until the kernel says that it is done. */
#include "conntrack.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel makes no larger datagram of a dump. */
#define DATAGRAM_SIZE 32768

/* It answers at once; a silence of this length is the end of it. */
#define SILENCE_SEC 5

/* The number of the request. */
#define SEQ 1

struct dump {
	struct mnl_socket *nl;
	conntrack_each_fn *each;
	void *ctx;
	uint64_t *unread;
};

/* Whether more is to come. */
enum progress {
	GOES_ON,
	IS_DONE,
};

static int ask(const struct dump *d);
static int take_datagram(const struct dump *d);

bool conntrack_is_loaded(void)
{
	/* Where there is a tracker, at least one of them is, whatever the kernel was built with and
	 * a service may see of /proc. */
	return access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) == 0 ||
	       access("/proc/thread-self/net/nf_conntrack", F_OK) == 0;
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
	res = ask(&d);
	while (res == GOES_ON) {
		res = take_datagram(&d);
	}
	mnl_socket_close(d.nl);
	return res == IS_DONE ? 0 : res;
}

/* Returns GOES_ON or -errno. */
static int ask(const struct dump *d)
{
	struct timeval silence = { .tv_sec = SILENCE_SEC };
	uint8_t request[CONNTRACK_REQUEST_SIZE];

	conntrack_put_request(SEQ, request);
	if (mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    setsockopt(mnl_socket_get_fd(d->nl), SOL_SOCKET, SO_RCVTIMEO, &silence,
	               sizeof(silence)) != 0 ||
	    mnl_socket_sendto(d->nl, request, sizeof(request)) < 0) {
		return -errno;
	}
	return GOES_ON;
}

static int take_messages(const struct dump *d, struct cursor datagram)
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
			return GOES_ON;
		case CONNTRACK_DONE:
			return IS_DONE;
		case CONNTRACK_ERROR:
			return error != 0 ? -error : -EPROTO;
		}
	}
}

/* Returns an enum progress or -errno. */
static int take_datagram(const struct dump *d)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[DATAGRAM_SIZE];
	struct sockaddr_nl from = { .nl_pid = 0 };
	socklen_t from_size = sizeof(from);
	ssize_t size = recvfrom(mnl_socket_get_fd(d->nl), bytes, sizeof(bytes), 0,
	                        (struct sockaddr *)&from, &from_size);

	if (size < 0) {
		return errno == EINTR ? GOES_ON : errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	if (from.nl_pid != 0) {
		return GOES_ON; /* not from the kernel */
	}
	return take_messages(d, (struct cursor){ bytes, bytes + size });
}
