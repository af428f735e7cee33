/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sd_notify(3) protocol: datagrams of VARIABLE=value lines to the socket NOTIFY_SOCKET. Without
 * a library, so that it works in every build.
 */
#include "notify.h"

#include "fd_pass.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Without a limit a manager that hangs would hang the caller. */
#define SEND_WAIT_SEC 2

/*
 * Sends text, with a descriptor unless it is -1. Waits at most SEND_WAIT_SEC for a manager that
 * does not read.
 */
static void notify_send_fd(const char *text, int with_fd)
{
	const struct timeval wait = { .tv_sec = SEND_WAIT_SEC };
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t path_size = path == NULL ? 0 : strlen(path);
	union fd_pass control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd;

	if (path_size < 2 || path_size >= sizeof(addr.sun_path)) {
		return;
	}
	memcpy(addr.sun_path, path, path_size);
	if (path[0] == '@') {
		addr.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return;
	}
	iov = (struct iovec){ (void *)(uintptr_t)text, strlen(text) };
	msg.msg_name = &addr;
	msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_size);
	if (with_fd >= 0) {
		fd_pass_attach(&msg, &control, with_fd);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
	(void)close(fd);
}

static void notify_send(const char *text)
{
	notify_send_fd(text, -1);
}

void notify_ready(const char *status)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	notify_send(text);
}

void notify_stopping(const char *status)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "STOPPING=1\nSTATUS=%s", status);
	notify_send(text);
}

void notify_status(const char *status)
{
	char text[384];

	(void)snprintf(text, sizeof(text), "STATUS=%s", status);
	notify_send(text);
}

void notify_reloading(struct mono now)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	               now.ns / NSEC_PER_USEC);
	notify_send(text);
}

void notify_watchdog(void)
{
	notify_send("WATCHDOG=1");
}

bool notify_can_store_fds(void)
{
	const char *max = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") != NULL && max != NULL && atoll(max) > 0;
}

void notify_store_fd(int fd, const char *name)
{
	char text[128];

	/* FDPOLL=0: otherwise the manager drops it at its first socket error. */
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	notify_send_fd(text, fd);
}

void notify_remove_fd(const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_send(text);
}

int64_t notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	long long value;

	if (usec == NULL || (pid != NULL && atoll(pid) != getpid())) {
		return 0;
	}
	value = atoll(usec);
	return value > 0 && value < INT64_MAX / NSEC_PER_USEC ? value * NSEC_PER_USEC : 0;
}
