/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink messages of a dump, and their attributes: a list of length, type and value, which can be
 * nested. Numbers in headers are in host order, those in attributes of netfilter in network order.
 */
#ifndef FINWALL_WIRE_ATTR_H
#define FINWALL_WIRE_ATTR_H

#include <finwall/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl_msg {
	uint16_t type;
	uint16_t flags; /* NLM_F_* */
	uint32_t seq;
	struct cursor body; /* behind the header */
};

/*
 * Reads the next message of a datagram that is not at its end. Returns false when it is malformed;
 * the datagram is at its end then.
 */
bool nl_msg_next(struct cursor *datagram, struct nl_msg *out);

/* The positive errno at the start of NLMSG_DONE and NLMSG_ERROR; 0 for success, or if invalid. */
int nl_msg_errno(const struct nl_msg *m);

/* Reads one attribute of a list into *out. Returns false when its size is wrong. */
typedef bool attr_fn(unsigned type, struct cursor value, void *out);

/* Calls take for each attribute. Returns false when the list or one of them is malformed. */
bool attr_each(struct cursor list, attr_fn *take, void *out);

/* The value as a number; false when its size is wrong. */
bool attr_u8(struct cursor value, uint8_t *out);
bool attr_be16(struct cursor value, uint16_t *out);
bool attr_be32(struct cursor value, uint32_t *out);

/* The value as a text that ends with a zero byte, cut to size. False when there is no such byte. */
bool attr_text(struct cursor value, char *out, size_t size);

#endif
