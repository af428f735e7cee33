/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP socket bound to the loopback address. */
#ifndef FINWALL_IO_LOOPBACK_H
#define FINWALL_IO_LOOPBACK_H

#include <stdint.h>

/* family: AF_INET or AF_INET6. Returns a non-blocking socket, not yet listening, or -errno. */
int loopback_bind(int family, uint16_t port);

#endif
