/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See datagram.h. */
#include "datagram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int datagram_open(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int datagram_send(int fd, const char *path, const void *bytes, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(to.sun_path, path);
	return sendto(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
	              sizeof(to)) < 0
	               ? -errno
	               : 0;
}
