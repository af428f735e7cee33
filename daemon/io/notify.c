/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sd_notify(3) protocol: datagrams of VARIABLE=value lines to the socket that NOTIFY_SOCKET
 * names. Done here rather than by a library, so that it works in every build.
 */
#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t path_size = path == NULL ? 0 : strlen(path);
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
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
	             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_size));
	(void)close(fd);
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
