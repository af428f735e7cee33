/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet generator. It ignores verdicts: a flow continues whether or not its packets passed, so
 * replies to dropped packets are generated as well.
 */
#include "gen.h"

#include "kernel.h"

#include <arpa/inet.h>
#include <string.h>

#define FLOWS_LEN 48

struct flow {
	uint8_t family;
	uint8_t proto;
	uint32_t addr[2];
	uint16_t port[2];
	unsigned iif[2]; /* the interface on which each end's packets arrive */
	uint32_t next[2];
	unsigned step;
	unsigned left;  /* packets until the flow is replaced */
	unsigned chaos; /* percentage of packets that are not the expected next one */
};

struct prefix {
	uint32_t addr;
	unsigned bits;
};

struct gen {
	struct rng *rng;
	enum kernel_rules kind;
	struct prefix *prefixes;
	size_t prefixes_len;
	uint16_t ports[512];
	size_t ports_len;
	struct flow flows[FLOWS_LEN];
	uint8_t inner[BUILD_MAX];
	uint8_t ext[64];
	bool has_odd_packets;
	bool has_extensions;
	bool has_options;
	uint8_t tcp_options[40];
};

static bool is_chance(struct gen *d, unsigned percent)
{
	return rng_below(d->rng, 100) < percent;
}

/* Reads the last 32 bits of an IPv6 prefix such as "2001:db8::c0a8:100/120". */
static const char *read_prefix6(const char *text, struct prefix *out)
{
	const size_t size = strspn(text, "0123456789abcdef:");
	uint8_t addr[16];
	char copy[40];

	if (size >= sizeof(copy)) {
		return NULL;
	}
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (inet_pton(AF_INET6, copy, addr) != 1) {
		return NULL;
	}
	memcpy(&out->addr, addr + 12, 4);
	out->addr = ntohl(out->addr);
	out->bits = 32;
	if (text[size] == '/') {
		unsigned long bits = strtoul(text + size + 1, NULL, 10);

		out->bits = bits > 96 ? (unsigned)bits - 96 : 0;
	}
	return text + size;
}

/* Reads a prefix such as "192.0.2.0/24". Returns its end, or NULL if there is none. */
static const char *read_prefix(const char *text, struct prefix *out)
{
	unsigned a[4];
	int used = 0;

	if (strncmp(text, "2001:db8::", 10) == 0) {
		return read_prefix6(text, out);
	}
	if (sscanf(text, "%3u.%3u.%3u.%3u%n", &a[0], &a[1], &a[2], &a[3], &used) != 4) {
		return NULL;
	}
	out->addr = a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
	out->bits = 32;
	text += used;
	if (*text == '/') {
		out->bits = (unsigned)strtoul(text + 1, NULL, 10);
	}
	return text;
}

/* The comma after " : accept" of a map element, or NULL. */
static const char *next_key(const char *at)
{
	if (strncmp(at, " : ", 3) != 0) {
		return NULL;
	}
	return strchr(at, ',');
}

/* Reads all numbers in the word after an option with "port" in its name. */
static void read_ports(struct gen *d, const char *line)
{
	const char *at = line;

	while ((at = strstr(at, "port")) != NULL) {
		at = strchr(at, ' ');
		/* nft: "tcp dport vmap { 22 : accept, ... }" */
		while (at != NULL && at[1] != '\0' && strchr("{vmap ", at[1]) != NULL) {
			at++;
		}
		while (at != NULL && d->ports_len < 512 && strchr(" ,:!-{", *at) != NULL) {
			char *end;
			unsigned long n = strtoul(at + 1, &end, 10);

			if (end == at + 1) {
				at++;
				break;
			}
			d->ports[d->ports_len++] = (uint16_t)n;
			at = *end == ',' || *end == ':' || *end == '-' ? end : next_key(end);
		}
		if (at == NULL) {
			return;
		}
	}
}

static void read_rules(struct gen *d, const char *rules)
{
	while (*rules != '\0') {
		const char *end = strchrnul(rules, '\n');
		char line[256];
		size_t size = (size_t)(end - rules) < sizeof(line) ? (size_t)(end - rules)
		                                                   : sizeof(line) - 1;

		memcpy(line, rules, size);
		line[size] = '\0';
		read_ports(d, line);
		for (const char *at = line; *at != '\0';) {
			const char *behind =
				at == line || at[-1] == ' ' || at[-1] == '-'
					? read_prefix(at, &d->prefixes[d->prefixes_len])
					: NULL;

			d->prefixes_len += behind != NULL ? 1 : 0;
			at = behind != NULL ? behind : at + 1;
		}
		rules = *end == '\0' ? end : end + 1;
	}
}

struct gen *gen_new(struct rng *rng, enum kernel_rules kind, const char *rules)
{
	struct gen *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->rng = rng;
	d->kind = kind;
	/* An address and its separator take at least eight characters. */
	d->prefixes = calloc(strlen(rules) / 8 + 2, sizeof(*d->prefixes));
	if (d->prefixes == NULL) {
		gen_free(d);
		return NULL;
	}
	read_rules(d, rules);
	return d;
}

void gen_free(struct gen *d)
{
	if (d != NULL) {
		free(d->prefixes);
		free(d);
	}
}

/* The kernel drops some addresses before any rule, and others do not name one host. */
static bool is_usable(uint32_t addr)
{
	const uint32_t first = addr >> 24;

	return first != 0 && first != 127 && first < 224 && (addr & 0xff) != 0 &&
	       (addr & 0xff) != 255 && addr != UINT32_C(0xcb007100);
}

static uint32_t host_in(struct gen *d, uint32_t net)
{
	return net + 2 + rng_below(d->rng, 6);
}

static uint32_t any_address(struct gen *d)
{
	static const uint32_t local[] = { 0xcb007101, 0xc0a80101, 0xc0a80201, 0xac100001 };

	if (is_chance(d, 35)) {
		return local[rng_below(d->rng, 4)];
	}
	if (is_chance(d, 40)) {
		static const uint32_t nets[] = { 0xc0a80100, 0xc0a80200, 0xac100000, 0xc6336400 };

		return host_in(d, nets[rng_below(d->rng, 4)]);
	}
	if (d->prefixes_len > 0 && is_chance(d, 80)) {
		const struct prefix *p = &d->prefixes[rng_below(d->rng, (uint32_t)d->prefixes_len)];
		uint32_t mask = p->bits == 0 ? 0 : UINT32_MAX << (32 - p->bits % 33);
		uint32_t edges[] = { p->addr & mask, (p->addr & mask) - 1, p->addr | ~mask,
			             (p->addr | ~mask) + 1,
			             (p->addr & mask) | ((uint32_t)rng_u64(d->rng) & ~mask) };

		return edges[rng_below(d->rng, 5)];
	}
	return (uint32_t)rng_u64(d->rng);
}

static uint32_t usable_address(struct gen *d)
{
	uint32_t addr;

	do {
		addr = any_address(d);
	} while (!is_usable(addr));
	return addr;
}

static uint16_t port(struct gen *d, bool is_server)
{
	if (d->ports_len > 0 && is_chance(d, is_server ? 85 : 15)) {
		uint16_t p = d->ports[rng_below(d->rng, (uint32_t)d->ports_len)];

		return is_chance(d, 70) ? p : (uint16_t)(p + rng_below(d->rng, 3) - 1);
	}
	return (uint16_t)(is_chance(d, 80) ? 1024 + rng_below(d->rng, 64512)
	                                   : rng_below(d->rng, 65536));
}

static uint8_t icmp_of(const struct flow *f)
{
	return f->family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
}

static void new_flow(struct gen *d, struct flow *f)
{
	static const uint8_t others[] = { 2, 47, 50, 51, 89, 112, 253 };
	const uint32_t kind = rng_below(d->rng, 100);

	memset(f, 0, sizeof(*f));
	f->family = d->kind == KERNEL_IPTABLES                        ? 4
	            : d->kind == KERNEL_IP6TABLES || is_chance(d, 50) ? 6
	                                                              : 4;
	f->proto = kind < 55   ? IPPROTO_NR_TCP
	           : kind < 77 ? IPPROTO_NR_UDP
	           : kind < 92 ? icmp_of(f)
	                       : others[rng_below(d->rng, sizeof(others))];
	if (f->family == 6 && f->proto == 51) {
		f->proto =
			50; /* An authentication header would be decoded as an extension header. */
	}
	do {
		f->addr[0] = usable_address(d);
		f->addr[1] = usable_address(d);
		/* A host sends no packets to itself over these devices. */
	} while ((kernel_is_local(f->addr[0]) && kernel_is_local(f->addr[1])) ||
	         f->addr[0] == f->addr[1]);
	for (unsigned end = 0; end < 2; end++) {
		f->iif[end] = is_chance(d, 92) ? kernel_iface_of(f->addr[end])
		                               : rng_below(d->rng, KERNEL_IFACES_LEN);
		f->next[end] = (uint32_t)rng_u64(d->rng);
	}
	f->port[0] = port(d, false);
	f->port[1] = port(d, true);
	f->left = 1 + rng_below(d->rng, 14);
	f->chaos = rng_below(d->rng, 3) * 15;
}

static void head(const struct flow *f, unsigned from, struct build *b)
{
	const uint32_t src = htonl(f->addr[from]);
	const uint32_t dst = htonl(f->addr[1 - from]);

	*b = build_default(f->family, f->proto);
	if (f->family == 6) {
		b->src = b->dst = build_addr("2001:db8::");
	}
	memcpy(b->src.bytes + (f->family == 6 ? 12 : 0), &src, 4);
	memcpy(b->dst.bytes + (f->family == 6 ? 12 : 0), &dst, 4);
	b->sport = f->port[from];
	b->dport = f->port[1 - from];
}

/* The next step of TCP: open, answer, acknowledge, send data, close. */
static unsigned next_tcp(struct gen *d, struct flow *f, struct build *b)
{
	static const uint8_t opening[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	static const unsigned opener[] = { 0, 1, 0 };
	unsigned from;

	if (f->step < 3) {
		from = opener[f->step];
		b->flags = opening[f->step];
	} else {
		from = rng_below(d->rng, 2);
		b->flags = is_chance(d, 15)  ? TCP_FIN | TCP_ACK
		           : is_chance(d, 7) ? TCP_RST | TCP_ACK
		                             : TCP_ACK | TCP_PSH;
		b->payload_size = (b->flags & TCP_PSH) != 0 ? rng_below(d->rng, 200) : 0;
	}
	if (is_chance(d, f->chaos)) {
		b->flags = (uint8_t)rng_below(d->rng, 64);
	} else {
		f->step++;
	}
	return from;
}

static void fill_tcp(struct gen *d, struct flow *f, unsigned from, struct build *b)
{
	uint8_t flags = b->flags;
	size_t payload_size = b->payload_size;

	head(f, from, b);
	b->flags = flags;
	b->payload_size = payload_size;
	b->seq = f->next[from];
	b->ack = (flags & TCP_ACK) != 0 ? f->next[1 - from] : 0;
	b->win = 8000;
	if (is_chance(d, f->chaos)) {
		b->seq += (uint32_t)rng_u64(d->rng);
	} else {
		f->next[from] +=
			(uint32_t)payload_size + ((flags & (TCP_SYN | TCP_FIN)) != 0 ? 1 : 0);
	}
}

/* An ICMP error that quotes a packet of the flow, sent to that packet's sender. */
static void fill_error(struct gen *d, const struct flow *f, unsigned about, struct gen_packet *t)
{
	static const uint8_t types4[] = { 3, 3, 11, 12, 4, 5 };
	static const uint8_t types6[] = { 1, 1, 2, 3, 4, 1 };
	const uint8_t *types = f->family == 4 ? types4 : types6;
	struct build inner;
	struct flow error = *f;

	head(f, about, &inner);
	inner.seq = f->next[about];
	inner.flags = TCP_ACK;
	inner.payload_size = 8;
	build_packet(&inner, d->inner);
	error.proto = icmp_of(f);
	head(&error, 1 - about, &t->b);
	t->b.type = types[rng_below(d->rng, sizeof(types4))];
	t->b.code = (uint8_t)rng_below(d->rng, t->b.type == 3 && f->family == 4 ? 16 : 2);
	t->b.id = 0;
	t->b.payload = d->inner;
	t->b.payload_size = f->family == 4 ? 28 : 48;
}

static void fill_icmp(struct gen *d, struct flow *f, unsigned from, struct build *b)
{
	static const uint8_t queries[] = { 8, 13, 17, 15 };

	head(f, from, b);
	b->id = f->port[0];
	b->payload_size = rng_below(d->rng, 64);
	if (f->family == 6) {
		b->type = from == 0 ? 128 : 129;
		if (is_chance(d, f->chaos)) {
			b->type = (uint8_t)(is_chance(d, 50) ? 128 + rng_below(d->rng, 18)
			                                     : rng_below(d->rng, 6));
		}
		return;
	}
	b->type = from == 0 ? 8 : 0;
	if (is_chance(d, f->chaos)) {
		b->type = is_chance(d, 50) ? queries[rng_below(d->rng, 4)]
		                           : (uint8_t)rng_below(d->rng, 20);
		b->code = is_chance(d, 70) ? 0 : (uint8_t)rng_below(d->rng, 3);
	}
}

/*
 * Adds one or two extension headers of 8 bytes each: hop-by-hop or destination options, which are
 * padding, or a routing header.
 */
static void add_extensions(struct gen *d, struct gen_packet *t)
{
	static const uint8_t headers[] = { 0, 60, 43 };
	const unsigned len = 1 + rng_below(d->rng, 2);
	const uint8_t second = headers[1 + rng_below(d->rng, 2)];
	uint8_t *ext = d->ext;

	t->b.ext_first = headers[len == 2 ? 0 : rng_below(d->rng, 3)];
	t->b.ext = d->ext;
	t->b.ext_size = (size_t)len * 8;
	for (unsigned i = 0; i < len; i++, ext += 8) {
		const uint8_t pad[8] = { i + 1 < len ? second : t->b.proto, 0, 1, 4 };

		memcpy(ext, pad, sizeof(pad));
		if ((i == 0 ? t->b.ext_first : second) == 43) {
			ext[2] = (uint8_t)rng_below(d->rng, 5); /* type */
			ext[3] = (uint8_t)rng_below(d->rng, 3); /* segments left */
		}
	}
}

/* Cuts the packet off in its transport header, sets other fields of the IP header. */
static void make_odd(struct gen *d, struct gen_packet *t)
{
	if (t->b.family == 6 && is_chance(d, 15)) {
		add_extensions(d, t);
		if (is_chance(d, 20)) { /* longer than the packet */
			d->ext[t->b.ext_size - 8 + 1] = 200;
		}
	}
	t->id = is_chance(d, 50) ? 61 : (uint16_t)(1 + rng_below(d->rng, 65535));
	if (is_chance(d, 40)) {
		t->b.tos = (uint8_t)(is_chance(d, 50) ? 46 << 2 : rng_below(d->rng, 256));
	}
	if (is_chance(d, 20)) {
		t->l4_left = (int)rng_below(d->rng, 24);
	}
}

/* A few options, of which the last one may be cut off. */
static void add_tcp_options(struct gen *d, struct build *b)
{
	static const uint8_t options[][10] = {
		{ 1 },
		{ 0 },
		{ 2, 4, 5, 0xb4 },
		{ 2, 4, 1, 0 },
		{ 4, 2 },
		{ 8, 10, 0, 0, 0, 9, 0, 0, 1, 0 },
		{ 64, 3, 7 },
		{ 30, 4, 0x10, 0 },
		{ 34, 2 },
		{ 19, 6, 1, 2, 3, 4 },
		{ 64, 0, 7 },
		{ 2, 30, 7 },
		{ 2, 3, 7 },
	};
	static const uint8_t sizes[] = { 1, 1, 4, 4, 2, 10, 3, 4, 2, 6, 3, 3, 3 };
	unsigned size = 0;

	for (unsigned n = rng_below(d->rng, 5); n > 0; n--) {
		unsigned nr = rng_below(d->rng, sizeof(sizes));

		/* malformed ones end the options of the tracker, too: only where it does not look
		 */
		if (nr > 9 && (b->flags & TCP_SYN) != 0) {
			continue;
		}
		memcpy(d->tcp_options + size, options[nr], sizes[nr]);
		size += sizes[nr];
		if (size > 28) {
			break;
		}
	}
	b->opts = d->tcp_options;
	b->opts_size = (uint8_t)size;
}

static void add_ip_options(struct gen *d, struct build *b)
{
	static const uint8_t alert[] = { 148, 4, 0, 0 };
	static const uint8_t full_route[] = { 1, 7, 7, 8, 10, 0, 0, 1 };
	static const uint8_t both[] = { 7, 7, 8, 10, 0, 0, 1, 148, 4, 0, 0, 0 };

	switch (rng_below(d->rng, 4)) {
	case 0:
		b->ip_opts = alert;
		b->ip_opts_size = sizeof(alert);
		break;
	case 1:
		b->ip_opts = full_route;
		b->ip_opts_size = sizeof(full_route);
		break;
	case 2:
		b->ip_opts = both;
		b->ip_opts_size = sizeof(both);
		break;
	default:
		b->ip_opts_size = 4;
		break;
	}
}

void gen_add_options(struct gen *d)
{
	d->has_options = true;
}

void gen_add_odd_packets(struct gen *d)
{
	d->has_odd_packets = true;
}

void gen_add_extensions(struct gen *d)
{
	d->has_extensions = true;
}

void gen_next(struct gen *d, struct gen_packet *out)
{
	struct flow *f = &d->flows[rng_below(d->rng, FLOWS_LEN)];
	unsigned from = f->step == 0 ? 0 : rng_below(d->rng, 2);

	if (f->left == 0) {
		new_flow(d, f);
		from = 0;
	}
	f->left--;
	memset(out, 0, sizeof(*out));
	if (f->step > 0 && f->proto != icmp_of(f) && is_chance(d, 8)) {
		fill_error(d, f, from, out);
		from = 1 - from;
	} else if (f->proto == IPPROTO_NR_TCP) {
		from = next_tcp(d, f, &out->b);
		fill_tcp(d, f, from, &out->b);
	} else if (f->proto == icmp_of(f)) {
		fill_icmp(d, f, from, &out->b);
		f->step++;
	} else {
		head(f, from, &out->b);
		out->b.payload_size = 8 + rng_below(d->rng, 100);
		f->step++;
	}
	out->b.ttl = (uint8_t)(is_chance(d, 90) ? 64 : 2 + rng_below(d->rng, 253));
	out->src = f->addr[from];
	out->dst = f->addr[1 - from];
	out->iif = f->iif[from];
	out->has_bad_checksum = is_chance(d, 3);
	out->l4_left = -1;
	out->id = 1;
	if (d->has_odd_packets) {
		make_odd(d, out);
	} else if (d->has_extensions && out->b.family == 6 && is_chance(d, 30)) {
		add_extensions(d, out);
	}
	if (d->has_options && out->b.proto == IPPROTO_NR_TCP && is_chance(d, 60)) {
		add_tcp_options(d, &out->b);
	}
	if (d->has_options && out->b.family == 4 && is_chance(d, 30)) {
		add_ip_options(d, &out->b);
	}
}
