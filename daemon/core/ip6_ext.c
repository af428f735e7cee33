/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks IPv6 extension headers. Authentication headers count in words of four, minus two (RFC
 * 4302). */
#include "ip6_ext.h"

#define HOP_BY_HOP     0
#define ROUTING        43
#define FRAGMENT       44
#define AUTHENTICATION 51
#define DESTINATION    60

bool ip6_ext_is(uint8_t proto)
{
	switch (proto) {
	case HOP_BY_HOP:
	case ROUTING:
	case DESTINATION:
	case FRAGMENT:
	case AUTHENTICATION:
		return true;
	default:
		return false;
	}
}

enum ip6_ext ip6_ext_skip(struct cursor *c, uint8_t *proto)
{
	for (;;) {
		uint8_t next;
		uint8_t len;
		size_t size;

		if (!ip6_ext_is(*proto)) {
			return IP6_EXT_DONE;
		}
		if (!rd_u8(c, &next) || !rd_u8(c, &len)) {
			return IP6_EXT_SHORT;
		}
		size = ((size_t)len + 1) * 8;
		if (*proto == AUTHENTICATION) {
			size = ((size_t)len + 2) * 4;
		}
		if (*proto == FRAGMENT) {
			struct cursor field = *c;
			uint16_t offset;

			size = 8;
			if (!rd_be16(&field, &offset)) {
				return IP6_EXT_SHORT;
			}
			if ((offset & 0xfff8) != 0) {
				*proto = next;
				return IP6_EXT_FRAGMENT;
			}
		}
		/* A length beyond the packet is no error by itself: the kernel's tracker
		 * refuses the packet only when it has to read there. */
		if (!rd_skip(c, size - 2)) {
			c->at = c->end;
		}
		*proto = next;
	}
}
