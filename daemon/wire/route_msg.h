/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of rtnetlink: routes and policy routing rules. Requests for dumps, and their answers
 * into a struct route_dump.
 */
#ifndef FINWALL_WIRE_ROUTE_MSG_H
#define FINWALL_WIRE_ROUTE_MSG_H

#include <finwall/bytes.h>
#include <finwall/routes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_REQUEST_SIZE 28 /* struct nlmsghdr and struct rtmsg or fib_rule_hdr */

#define ROUTE_LINK_REQUEST_SIZE 32

/* A request for the routes of a family, 4 or 6. table: only of this one, below 256; 0 = of all. */
void route_put_request(uint8_t family, uint8_t table, uint32_t seq,
                       uint8_t out[static ROUTE_REQUEST_SIZE]);

/* A request for the policy routing rules of a family. */
void route_rule_put_request(uint8_t family, uint32_t seq, uint8_t out[static ROUTE_REQUEST_SIZE]);

/* A request for all links. */
void route_link_put_request(uint32_t seq, uint8_t out[static ROUTE_LINK_REQUEST_SIZE]);

/* How a datagram of a dump ended. */
enum route_progress {
	ROUTE_MORE,
	ROUTE_DONE,
	ROUTE_AGAIN, /* the tables changed meanwhile */
	ROUTE_ERROR,
};

/* The index of an interface by its name; 0 = there is none. */
typedef uint32_t route_ifindex_fn(const char *name);

/*
 * Adds the routes and rules of a datagram with this sequence number. table: as in the request; what
 * is of other tables is left out. *err: the errno of ROUTE_ERROR. Malformed messages are left out.
 */
enum route_progress route_msg_take(struct cursor datagram, uint32_t seq, uint8_t table,
                                   route_ifindex_fn *ifindex, struct route_dump *out, int *err);

#endif
