/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses in text: see addr.h. IPv4 addresses, of which sets have a million, are
 * read here; IPv6 addresses by inet_pton().
 */
#include "text/addr.h"
#include "text/num.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

_Static_assert(ADDR_TEXT_SIZE == INET6_ADDRSTRLEN, "the longest address, with its NUL");

const char *scan_ip4(const char *at, const char *end, struct u128 *out)
{
	uint32_t addr = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *from;
		uint64_t byte;

		if (i > 0 && (at == end || *at++ != '.')) {
			return NULL;
		}
		from = at;
		at = scan_decimal(at, end, UINT8_MAX, &byte);
		if (at == NULL || (*from == '0' && at - from > 1)) {
			return NULL;
		}
		addr = addr << 8 | (uint32_t)byte;
	}
	*out = (struct u128){ 0, addr };
	return at;
}

static bool is_ip6_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == ':' || c == '.';
}

const char *scan_ip6(const char *at, const char *end, struct u128 *out)
{
	char buf[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	size_t len = 0;

	while (at < end && is_ip6_char(*at) && len < sizeof(buf) - 1) {
		buf[len++] = *at++;
	}
	buf[len] = '\0';
	if (inet_pton(AF_INET6, buf, bytes) != 1) {
		return NULL;
	}
	*out = u128_from_ip6(bytes);
	return at;
}

/* Scans an address of either family, by its form. */
static const char *scan_addr(const char *at, const char *end, struct text_addr *out)
{
	struct u128 v;
	const char *behind = scan_ip4(at, end, &v);

	*out = (struct text_addr){ 0 };
	if (behind != NULL) {
		out->family = 4;
		u128_to_ip4(v, out->bytes);
	} else {
		behind = scan_ip6(at, end, &v);
		out->family = 6;
		u128_to_ip6(v, out->bytes);
	}
	out->bits = (uint8_t)addr_bits(out->family);
	return behind;
}

bool text_addr(const char *text, size_t size, struct text_addr *out)
{
	struct text_addr a;

	if (scan_addr(text, text + size, &a) != text + size) {
		return false;
	}
	*out = a;
	return true;
}

bool text_prefix(const char *text, size_t size, struct text_addr *out)
{
	const char *slash = memchr(text, '/', size);
	struct text_addr a;
	uint64_t bits;

	if (slash == NULL) {
		return text_addr(text, size, out);
	}
	if (!text_addr(text, (size_t)(slash - text), &a) ||
	    !text_number_n(slash + 1, (size_t)(text + size - slash - 1), 0, a.bits, &bits)) {
		return false;
	}
	a.bits = (uint8_t)bits;
	*out = a;
	return true;
}

bool text_netmask(const char *text, size_t size, unsigned family, uint8_t *bits)
{
	struct text_addr mask;
	struct interval hosts;
	uint64_t n;
	int len;

	if (text_number_n(text, size, 0, addr_bits(family), &n)) {
		*bits = (uint8_t)n;
		return true;
	}
	if (!text_addr(text, size, &mask) || mask.family != family) {
		return false;
	}
	/* without holes it is the lowest value of a prefix that ends with the highest of all */
	hosts = (struct interval){ text_addr_interval(&mask).lo, u128_max(addr_bits(family)) };
	len = interval_prefix_len(&hosts, addr_bits(family));
	if (len < 0) {
		return false;
	}
	*bits = (uint8_t)len;
	return true;
}

bool text_addr_range(const char *text, size_t size, struct text_addr *lo, struct text_addr *hi)
{
	const char *dash = memchr(text, '-', size);
	struct text_addr a;
	struct text_addr b;

	if (dash == NULL) {
		if (!text_addr(text, size, &a)) {
			return false;
		}
		*lo = *hi = a;
		return true;
	}
	if (!text_addr(text, (size_t)(dash - text), &a) ||
	    !text_addr(dash + 1, (size_t)(text + size - dash - 1), &b) || a.family != b.family ||
	    memcmp(a.bytes, b.bytes, sizeof(a.bytes)) > 0) {
		return false;
	}
	*lo = a;
	*hi = b;
	return true;
}

bool text_endpoint(const char *text, size_t size, struct text_endpoint *out)
{
	struct text_endpoint e = { 0 };
	const char *end = text + size;
	const char *addr = text;
	const char *addr_end = end;
	const char *colon = memchr(text, ':', size);
	const char *port = NULL;
	uint64_t n;

	if (size > 0 && *text == '[') {
		addr++;
		addr_end = memchr(text, ']', size);
		if (addr_end == NULL || (addr_end + 1 != end && addr_end[1] != ':')) {
			return false;
		}
		port = addr_end + 1 != end ? addr_end + 2 : NULL;
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
		addr_end = colon;
		port = colon + 1;
	}
	if (!text_addr(addr, (size_t)(addr_end - addr), &e.addr) ||
	    (addr != text && e.addr.family != 6)) {
		return false;
	}
	if (port != NULL) {
		if (!text_number_n(port, (size_t)(end - port), 0, UINT16_MAX, &n)) {
			return false;
		}
		e.port = (uint16_t)n;
		e.has_port = true;
	}
	*out = e;
	return true;
}

struct interval text_addr_interval(const struct text_addr *a)
{
	struct u128 v = a->family == 4 ? u128_from_ip4(a->bytes) : u128_from_ip6(a->bytes);

	return interval_of_prefix(v, addr_bits(a->family), a->bits);
}

char *ip_text(unsigned family, const uint8_t *bytes, char out[ADDR_TEXT_SIZE])
{
	out[0] = '\0';
	(void)inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, out, ADDR_TEXT_SIZE);
	return out;
}

char *ip_text_u128(unsigned family, struct u128 v, char out[ADDR_TEXT_SIZE])
{
	uint8_t bytes[16];

	if (family == 4) {
		u128_to_ip4(v, bytes);
	} else {
		u128_to_ip6(v, bytes);
	}
	return ip_text(family, bytes, out);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

const char *scan_ether(const char *at, const char *end, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 6; i++) {
		unsigned byte = 0;
		unsigned digits = 0;

		if (i != 0 && (at == end || *at++ != ':')) {
			return NULL;
		}
		for (; at < end && digits < 2 && hex_digit(*at) >= 0; at++, digits++) {
			byte = byte << 4 | (unsigned)hex_digit(*at);
		}
		if (digits == 0) {
			return NULL;
		}
		v = v << 8 | byte;
	}
	*out = v;
	return at;
}

bool text_ether(const char *text, size_t size, uint64_t *out)
{
	uint64_t v;

	if (scan_ether(text, text + size, &v) != text + size) {
		return false;
	}
	*out = v;
	return true;
}

char *ether_text(uint64_t v, char out[static ETHER_TEXT_SIZE])
{
	snprintf(out, ETHER_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(v >> 40) & 0xff,
	         (unsigned)(v >> 32) & 0xff, (unsigned)(v >> 24) & 0xff, (unsigned)(v >> 16) & 0xff,
	         (unsigned)(v >> 8) & 0xff, (unsigned)v & 0xff);
	return out;
}
