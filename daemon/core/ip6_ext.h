/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 extension headers (RFC 8200, section 4): from the fixed header to the transport header.
 */
#ifndef FINWALL_CORE_IP6_EXT_H
#define FINWALL_CORE_IP6_EXT_H

#include <finwall/bytes.h>

#define IP6_NO_NEXT 59

enum ip6_ext {
	IP6_EXT_DONE,     /* the cursor stands at the header that *proto names */
	IP6_EXT_SHORT,    /* the bytes end inside an extension header */
	IP6_EXT_FRAGMENT, /* not the first fragment: no transport header; *proto is what it names */
};

/* Whether a next header is an extension header. */
bool ip6_ext_is(uint8_t proto);

/* *proto: in, the fixed header's next header; out, the first that is no extension header. */
enum ip6_ext ip6_ext_skip(struct cursor *c, uint8_t *proto);

#endif
