/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a UNIX stream socket: made without a moment of wider permissions, in place of that of
 * a process that has exited; removed if it is still ours.
 */
#ifndef FINWALL_IO_UNIX_SOCKET_H
#define FINWALL_IO_UNIX_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

/* Zeroed at first. */
struct unix_socket {
	struct sockaddr_un addr;
	dev_t dev; /* of the file that was made */
	ino_t ino; /* 0 = none */
};

/*
 * Makes a non-blocking socket and binds it to path; makes the last directory of the path if it is
 * missing. Returns the descriptor, or -errno; -EADDRINUSE when a process answers there, -EEXIST
 * when the file is no socket.
 */
int unix_socket_bind(struct unix_socket *s, const char *path, mode_t mode);

/* Removes the file, unless another process has replaced it. */
void unix_socket_remove(const struct unix_socket *s);

#endif
