/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See opener_serve.h. One request at a time: each is answered at once. A client that sends nothing
 * is closed after a second; only the daemon's user can connect.
 */
#include "opener_serve.h"

#include "fd_pass.h"
#include "lease_pins.h"
#include "loopback.h"
#include "opener.h"
#include "proc_net.h"
#include "rawsend.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_WAIT_SEC 1
#define BACKLOG          64

/* The only interface that a socket for the rules can send through: it sends nothing. */
static const char loopback[] = "lo";

int opener_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int err = 0;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		err = -errno;
	}
	mask = umask(0177);
	if (err == 0 && (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	                 listen(fd, BACKLOG) != 0)) {
		err = -errno;
	}
	(void)umask(mask);
	if (err != 0) {
		(void)close(fd);
		return err;
	}
	return fd;
}

/* Root, or the user of this process. */
static bool is_permitted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static int set_wait(int fd, int sec)
{
	const struct timeval wait = { .tv_sec = sec };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ? -errno : 0;
}

/* Returns a socket to list rules with, or -errno. */
static int open_rules(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof(loopback)) != 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

/* Returns the descriptor to pass, or -errno. */
static int open_for(const struct opener_request *req, const char *lease_dir)
{
	switch (req->kind) {
	case OPENER_LISTEN4:
	case OPENER_LISTEN6:
		if (req->value > UINT16_MAX) {
			return -EINVAL;
		}
		return loopback_bind(req->kind == OPENER_LISTEN4 ? AF_INET : AF_INET6,
		                     (uint16_t)req->value);
	case OPENER_RULES4:
		return open_rules(AF_INET);
	case OPENER_RULES6:
		return open_rules(AF_INET6);
	case OPENER_PROC_NET:
		return req->value < PROC_NET_FILES_LEN
		               ? proc_net_open_here((enum proc_net_file)req->value)
		               : -EINVAL;
	case OPENER_LEASE_MAP:
		return req->value < LEASE_MAPS_LEN
		               ? lease_pins_open_map(lease_dir, (enum lease_map_nr)req->value)
		               : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* Sends the reply, with a descriptor unless it is negative. */
static void reply_with(int fd, int32_t err, int passed)
{
	struct opener_reply reply = { err };
	union fd_pass control;
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed >= 0) {
		fd_pass_attach(&msg, &control, passed);
	}
	(void)sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The connection becomes that of a raw packet sender, which receives without a limit of time. */
static void start_sender(int fd, uint32_t mark)
{
	int err = set_wait(fd, 0);
	pid_t pid;

	if (err == 0) {
		err = rawsend_spawn(fd, mark, &pid);
	}
	reply_with(fd, err, -1);
}

/* Returns 0, or -EPROTO. */
static int answer(int fd, const char *lease_dir)
{
	struct opener_request req;
	int passed;

	if (!is_permitted(fd) || set_wait(fd, REQUEST_WAIT_SEC) != 0 ||
	    recv(fd, &req, sizeof(req), 0) != (ssize_t)sizeof(req)) {
		return 0;
	}
	if (req.version != OPENER_VERSION) {
		return -EPROTO;
	}
	if (req.kind == OPENER_RAW) {
		start_sender(fd, req.value);
		return 0;
	}
	passed = open_for(&req, lease_dir);
	reply_with(fd, passed < 0 ? passed : 0, passed);
	if (passed >= 0) {
		(void)close(passed);
	}
	return 0;
}

int opener_serve(int fd, const char *lease_dir)
{
	int err = 0;

	while (err == 0) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0) {
			err = answer(client, lease_dir);
			(void)close(client);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			err = -errno;
		}
	}
	return err;
}
