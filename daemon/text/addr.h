/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 and IPv6 addresses, prefixes, netmasks, ranges and endpoints in text. Names are not looked
 * up. Depends on the C library only.
 */
#ifndef FINWALL_TEXT_ADDR_H
#define FINWALL_TEXT_ADDR_H

#include <finwall/u128.h>

/* An address, or with fewer bits than its family has, a prefix. */
struct text_addr {
	uint8_t family;    /* 4 or 6 */
	uint8_t bits;      /* prefix length; 32 or 128 for an address */
	uint8_t bytes[16]; /* network order; of IPv4 the first four, the rest is zero */
};

/* The number of bits of an address: 32 or 128. */
static inline unsigned addr_bits(unsigned family)
{
	return family == 4 ? 32 : 128;
}

/*
 * Scanners: each reads one address in [at, end) and returns the place behind it, or NULL when there
 * is none. Four decimal numbers without leading zeros; IPv6 as in RFC 4291, section 2.2.
 */
const char *scan_ip4(const char *at, const char *end, struct u128 *out);
const char *scan_ip6(const char *at, const char *end, struct u128 *out);

/*
 * Readers: the first size bytes are the whole text, without blanks. Each returns false, and leaves
 * *out as it was, when the text is anything else.
 */
bool text_addr(const char *text, size_t size, struct text_addr *out);

/* "192.0.2.0/24", or an address alone. Host bits are kept: see text_addr_interval(). */
bool text_prefix(const char *text, size_t size, struct text_addr *out);

/* A prefix length, or a netmask without holes ("255.255.255.0"), as a prefix length. */
bool text_netmask(const char *text, size_t size, unsigned family, uint8_t *bits);

/* "192.0.2.1-192.0.2.9", or an address alone: both of one family, the smaller one first. */
bool text_addr_range(const char *text, size_t size, struct text_addr *lo, struct text_addr *hi);

/* "192.0.2.1:80", "[2001:db8::1]:80", or an address alone. */
struct text_endpoint {
	struct text_addr addr;
	uint16_t port;
	bool has_port;
};
bool text_endpoint(const char *text, size_t size, struct text_endpoint *out);

/*
 * An Ethernet address, six hexadecimal numbers of one or two digits with colons between them. scan:
 * returns the place behind it, or NULL; text: of the whole text, false when it is anything else.
 */
#define ETHER_TEXT_SIZE 18
const char *scan_ether(const char *at, const char *end, uint64_t *out);
bool text_ether(const char *text, size_t size, uint64_t *out);
char *ether_text(uint64_t v, char out[static ETHER_TEXT_SIZE]);

/* All addresses of the prefix. */
struct interval text_addr_interval(const struct text_addr *a);

/* The address of so many bits as text; out is returned. bytes: four or sixteen. */
#define ADDR_TEXT_SIZE 46
char *ip_text(unsigned family, const uint8_t *bytes, char out[ADDR_TEXT_SIZE]);
char *ip_text_u128(unsigned family, struct u128 v, char out[ADDR_TEXT_SIZE]);

#endif
