/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that the daemon under its unit may not open itself: raw sockets, listening sockets on
 * loopback, sockets that list the rules of iptables-legacy, files of /proc/net that only the group
 * root may read, the pinned maps of the kernel fast path. The opener (opener_serve.h), another
 * process, opens them.
 *
 * The environment's FINWALL_OPENER is the path of its socket. Without it the daemon opens all
 * itself, and these functions are not used.
 */
#ifndef FINWALL_IO_OPENER_H
#define FINWALL_IO_OPENER_H

#include <stdbool.h>
#include <stdint.h>

enum opener_kind {
	OPENER_RAW,     /* value: mark. The connection becomes that to a raw packet sender */
	OPENER_LISTEN4, /* value: port of 127.0.0.1 */
	OPENER_LISTEN6, /* value: port of ::1 */
	OPENER_RULES4,  /* a socket for the rules of iptables-legacy */
	OPENER_RULES6,
	OPENER_PROC_NET,  /* value: enum proc_net_file */
	OPENER_LEASE_MAP, /* value: enum lease_map_nr */
	OPENER_KINDS_LEN,
};

/* What the daemon sends. */
struct opener_request {
	uint32_t version;
	uint32_t kind; /* enum opener_kind */
	uint32_t value;
};

/* What it gets, with a descriptor when err is 0, but for OPENER_RAW. */
struct opener_reply {
	int32_t err; /* 0 or -errno */
};

/* Changes with the structs above and with struct raw_request. */
#define OPENER_VERSION 1

/* True when the environment names an opener. */
bool opener_is_set(void);

/*
 * Returns a descriptor, close on exec, or -errno; -ETIMEDOUT after two seconds, and at once for
 * some seconds after that. For OPENER_RAW it is the connection itself. Any thread.
 */
int opener_get(enum opener_kind kind, uint32_t value);

#endif
