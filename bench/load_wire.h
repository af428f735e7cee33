/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients and server agree on.
 */
#ifndef FINWALL_BENCH_LOAD_WIRE_H
#define FINWALL_BENCH_LOAD_WIRE_H

#include <stdint.h>

#define LOAD_PORT_BULK  5001
#define LOAD_PORT_ECHO  5002
#define LOAD_PORT_SHORT 5003
#define LOAD_PORT_UDP   5004

/* A datagram. */
struct load_stamp {
	uint64_t due_ns; /* when it was to be sent, by clock_ns(); 0 = does not matter */
	uint8_t pad[56];
};

_Static_assert(sizeof(struct load_stamp) == 64, "64 bytes of payload are what is measured");

#endif
