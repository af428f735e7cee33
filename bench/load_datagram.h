/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and datagram format of the generated traffic.
 */
#ifndef FINWALL_BENCH_LOAD_DATAGRAM_H
#define FINWALL_BENCH_LOAD_DATAGRAM_H

#include <stdint.h>

#define LOAD_PORT_BULK    5001
#define LOAD_PORT_ECHO    5002
#define LOAD_PORT_CONNECT 5003
#define LOAD_PORT_UDP     5004

struct load_datagram {
	uint64_t due_ns; /* scheduled time, by clock_ns(); 0 = not scheduled */
	uint8_t pad[56];
};

_Static_assert(sizeof(struct load_datagram) == 64, "a datagram has 64 bytes of payload");

#endif
