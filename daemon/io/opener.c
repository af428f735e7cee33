/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See opener.h. One connection for each request. */
#include "opener.h"

#include "clock.h"
#include "fd_pass.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_WAIT_SEC 2

/* After a timeout, the next request is made so much later: the caller has other work. */
#define PAUSE_NS sec_to_ns(5)

/* No request until then. */
static _Atomic int64_t paused_until_ns;

static const char *socket_path(void)
{
	return getenv("FINWALL_OPENER");
}

bool opener_is_set(void)
{
	return socket_path() != NULL;
}

/* Returns a connection to the opener, or -errno. */
static int connect_to(const char *path)
{
	const struct timeval wait = { .tv_sec = REPLY_WAIT_SEC };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;
	int err = 0;

	if (path == NULL || strlen(path) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

/* Receives the reply. Returns 0 with *passed a descriptor or -1, or -errno. */
static int receive_reply(int fd, int *passed)
{
	struct opener_reply reply;
	union fd_pass control;
	struct iovec iov = { &reply, sizeof(reply) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control.buf) };
	ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*passed = -1;
	if (got < 0) {
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	*passed = fd_pass_take(&msg);
	if (got != (ssize_t)sizeof(reply)) {
		/* It has ended: an opener of another version. */
		return -ECONNRESET;
	}
	return reply.err;
}

static void pause_after(int err)
{
	if (err == -ETIMEDOUT) {
		atomic_store_explicit(&paused_until_ns, mono_add(clock_now(), PAUSE_NS).ns,
		                      memory_order_relaxed);
	}
}

int opener_get(enum opener_kind kind, uint32_t value)
{
	const struct opener_request req = { OPENER_VERSION, (uint32_t)kind, value };
	int passed = -1;
	int fd;
	int err;

	if (clock_now().ns < atomic_load_explicit(&paused_until_ns, memory_order_relaxed)) {
		return -ETIMEDOUT;
	}
	fd = connect_to(socket_path());
	if (fd < 0) {
		pause_after(fd);
		return fd;
	}
	err = send(fd, &req, sizeof(req), MSG_NOSIGNAL) < 0 ? -errno : receive_reply(fd, &passed);
	if (err == 0 && kind == OPENER_RAW) {
		return fd;
	}
	(void)close(fd);
	pause_after(err);
	if (err != 0 && passed >= 0) {
		(void)close(passed);
	}
	if (err != 0) {
		return err;
	}
	return passed >= 0 ? passed : -EPROTO;
}
