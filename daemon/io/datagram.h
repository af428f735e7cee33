/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams to local sockets: syslog's and the journal's. */
#ifndef FINWALL_IO_DATAGRAM_H
#define FINWALL_IO_DATAGRAM_H

#include <stddef.h>

/* Returns a socket, or -errno. */
int datagram_open(void);

/* Sends one datagram to the socket at path. Never waits. Returns 0/-errno. */
int datagram_send(int fd, const char *path, const void *bytes, size_t size);

#endif
