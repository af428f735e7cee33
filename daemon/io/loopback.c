/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loopback.h. */
#include "loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

int loopback_bind(int family, uint16_t port)
{
	const struct sockaddr_in in4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	const bool is_ip6 = family == AF_INET6;
	const struct sockaddr *addr =
		is_ip6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in4;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	int err;

	if (fd < 0) {
		return -errno;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_ip6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
	if (bind(fd, addr, is_ip6 ? sizeof(in6) : sizeof(in4)) < 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}
