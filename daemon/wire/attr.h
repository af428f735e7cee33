/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of netlink messages: a list of length, type and value, which can be nested. Numbers in
 * attributes of netfilter are in network order.
 */
#ifndef FINWALL_WIRE_ATTR_H
#define FINWALL_WIRE_ATTR_H

#include <finwall/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
