/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of routes and rules. See route_read.h. */
#include "route_read.h"

#include "wire/route_msg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DATAGRAM_SIZE 32768
#define TIMEOUT_SEC   5

/* A dump during which routes change is repeated. */
#define TRIES 8

/* Datagrams of notices that are read at once. */
#define DRAIN_BUDGET 256

struct reader {
	struct mnl_socket *nl;
	struct route_dump *out;
	uint32_t seq;
};

static uint32_t find_ifindex(const char *name)
{
	return if_nametoindex(name);
}

/* Sends a request and reads its answers. Returns 0, -EINTR when the tables changed, or -errno. */
static int dump(struct reader *r, const uint8_t *request, size_t request_size, uint8_t table)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[DATAGRAM_SIZE];
	int err = 0;

	if (mnl_socket_sendto(r->nl, request, request_size) < 0) {
		return -errno;
	}
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(r->nl, bytes, sizeof(bytes));

		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		switch (route_msg_take((struct cursor){ bytes, bytes + size }, r->seq, table,
		                       find_ifindex, r->out, &err)) {
		case ROUTE_MORE:
			break;
		case ROUTE_DONE:
			return 0;
		case ROUTE_AGAIN:
			return -EINTR;
		case ROUTE_ERROR:
			return -err;
		}
	}
}

static int dump_routes(struct reader *r, uint8_t family, uint8_t table)
{
	uint8_t request[ROUTE_REQUEST_SIZE];

	route_put_request(family, table, ++r->seq, request);
	return dump(r, request, sizeof(request), table);
}

static int dump_rules(struct reader *r, uint8_t family)
{
	uint8_t request[ROUTE_REQUEST_SIZE];

	route_rule_put_request(family, ++r->seq, request);
	return dump(r, request, sizeof(request), 0);
}

static int dump_links(struct reader *r)
{
	uint8_t request[ROUTE_LINK_REQUEST_SIZE];

	route_link_put_request(++r->seq, request);
	return dump(r, request, sizeof(request), 0);
}

/* Of a kernel without a family: it has no routes. */
static int without_family(int err)
{
	return err == -EOPNOTSUPP || err == -EAFNOSUPPORT ? 0 : err;
}

static int read_once(struct reader *r, uint32_t what)
{
	int err = 0;

	if ((what & ROUTES_IP4) != 0) {
		err = dump_routes(r, 4, 0);
		if (err == 0) {
			err = dump_rules(r, 4);
		}
	} else if ((what & ROUTES_IP4_LOCAL) != 0) {
		err = dump_routes(r, 4, ROUTE_TABLE_LOCAL);
	}
	if (err == 0 && (what & ROUTES_IP6) != 0) {
		err = without_family(dump_routes(r, 6, 0));
		if (err == 0) {
			err = without_family(dump_rules(r, 6));
		}
	}
	if (err == 0 && (what & ROUTES_LINKS) != 0) {
		err = dump_links(r);
	}
	return err;
}

static int open_socket(struct mnl_socket **out)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_SEC };
	int on = 1;

	*out = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (*out == NULL) {
		return -errno;
	}
	if (mnl_socket_bind(*out, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    setsockopt(mnl_socket_get_fd(*out), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	               sizeof(timeout)) != 0) {
		int err = -errno;

		mnl_socket_close(*out);
		return err;
	}
	/* Then the kernel sends only the table that is asked for; before Linux 4.20 it sends all.
	 */
	(void)mnl_socket_setsockopt(*out, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

int route_read(uint32_t what, struct route_dump *out)
{
	struct reader r = { .out = out };
	int err;

	for (unsigned i = 0; i < TRIES; i++) {
		/* A socket of its own: nothing is left in it of a dump that was given up. */
		err = open_socket(&r.nl);
		if (err != 0) {
			return err;
		}
		err = read_once(&r, what);
		mnl_socket_close(r.nl);
		if (err != -EINTR) {
			break;
		}
		route_dump_fini(out);
	}
	return err != 0 ? err : out->is_incomplete ? -ENOMEM : 0;
}

int route_changes_open(void)
{
	static const int groups[] = {
		RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
		RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK,
	};
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int err;

	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		goto fail;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
		               sizeof(groups[i])) != 0) {
			goto fail;
		}
	}
	return fd;

fail:
	err = -errno;
	close(fd);
	return err;
}

bool route_changes_take(int fd)
{
	char bytes[64];
	bool is_changed = false;

	for (unsigned i = 0; i < DRAIN_BUDGET; i++) {
		/* The contents do not matter: all is read again. */
		ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_TRUNC);

		if (size < 0 && errno != EINTR && errno != ENOBUFS) {
			break;
		}
		is_changed = true;
	}
	return is_changed;
}
