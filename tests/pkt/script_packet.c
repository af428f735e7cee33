/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a packet from the words of a line. Does not use the engine.
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *words_peek(const struct words *w)
{
	return w->next < w->len ? w->at[w->next] : NULL;
}

const char *words_next(struct words *w)
{
	if (w->next == w->len) {
		script_die("unexpected end of line");
	}
	return w->at[w->next++];
}

bool words_accept(struct words *w, const char *word)
{
	const char *is = words_peek(w);

	if (is == NULL || strcmp(is, word) != 0) {
		return false;
	}
	w->next++;
	return true;
}

uint32_t script_number(const char *word)
{
	char *end;
	unsigned long long v = strtoull(word, &end, 0);

	if (end == word || *end != '\0' || v > UINT32_MAX) {
		script_die("not a number: %s", word);
	}
	return (uint32_t)v;
}

int64_t script_duration(const char *word)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },    { "s", 1e9 },
		      { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { "", 1e9 } };
	char *end;
	double v = strtod(word, &end);

	for (size_t i = 0; end != word && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0) {
			return (int64_t)(v * units[i].ns + 0.5);
		}
	}
	script_die("not a duration: %s", word);
}

/* S F R P . (ACK) U E W */
static bool read_flags(const char *word, uint8_t *flags)
{
	static const char letters[] = "FSRP.UEW";

	*flags = 0;
	if (strcmp(word, "none") == 0) {
		return true;
	}
	for (; *word != '\0'; word++) {
		const char *at = strchr(letters, *word);

		if (at == NULL) {
			return false;
		}
		*flags |= (uint8_t)(1u << (at - letters));
	}
	return true;
}

/* first:last(size), which must be consistent */
static void read_sequence(const char *word, struct build *b)
{
	unsigned long first;
	unsigned long last;
	unsigned long size;
	int used = 0;

	if (sscanf(word, "%lu:%lu(%lu)%n", &first, &last, &size, &used) != 3 ||
	    word[used] != '\0') {
		script_die("not first:last(size): %s", word);
	}
	if ((uint32_t)(last - first) != size) {
		script_die("%s: the size is inconsistent", word);
	}
	b->seq = (uint32_t)first;
	b->payload_size = size;
}

static void put_be32(uint8_t *p, unsigned long v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Writes one option at offset n; returns the new size. */
static size_t read_option(const char *text, uint8_t *o, size_t n)
{
	unsigned long a;
	unsigned long b;
	unsigned long byte;
	int used = 0;

	if (n > 30) {
		script_die("too many options");
	}
	if (strcmp(text, "nop") == 0) {
		o[n++] = 1;
	} else if (strcmp(text, "eol") == 0) {
		o[n++] = 0;
	} else if (strcmp(text, "sackOK") == 0) {
		o[n++] = 4;
		o[n++] = 2;
	} else if (sscanf(text, "mss %lu", &a) == 1) {
		o[n++] = 2;
		o[n++] = 4;
		o[n++] = (uint8_t)(a >> 8);
		o[n++] = (uint8_t)a;
	} else if (sscanf(text, "wscale %lu", &a) == 1) {
		o[n++] = 3;
		o[n++] = 3;
		o[n++] = (uint8_t)a;
	} else if (sscanf(text, "sack %lu:%lu", &a, &b) == 2) {
		o[n++] = 5;
		o[n++] = 10;
		put_be32(o + n, a);
		put_be32(o + n + 4, b);
		n += 8;
	} else if (sscanf(text, "byte %lx%n", &byte, &used) == 1 && text[used] == '\0') {
		o[n++] = (uint8_t)byte;
	} else {
		script_die("unknown TCP option: %s", text);
	}
	return n;
}

/* <mss 1460,sackOK,nop,wscale 7>; also sack 1:2, eol, byte HEX */
static void read_options(const char *word, struct script_net *net, struct build *b)
{
	char copy[256];
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", word + 1);
	if (*copy == '\0' || copy[strlen(copy) - 1] != '>') {
		script_die("options without '>': %s", word);
	}
	copy[strlen(copy) - 1] = '\0';
	for (char *o = strtok(copy, ","); o != NULL; o = strtok(NULL, ",")) {
		n = read_option(o + strspn(o, " "), net->opts, n);
	}
	b->opts = net->opts;
	b->opts_size = (uint8_t)n;
}

static uint8_t icmp_proto(const struct script_net *net)
{
	return net->family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
}

static void set_proto(struct build *b, uint8_t proto)
{
	b->proto = proto;
	if (proto != IPPROTO_NR_TCP && proto != IPPROTO_NR_UDP) {
		b->sport = b->dport = 0;
	}
}

/* Both families have the same names. */
static bool icmp_type(const char *word, uint8_t family, uint8_t *type)
{
	static const struct {
		const char *name;
		uint8_t type4;
		uint8_t type6;
	} names[] = {
		{ "echo-request", 8, 128 }, { "echo-reply", 0, 129 },       { "unreachable", 3, 1 },
		{ "time-exceeded", 11, 3 }, { "parameter-problem", 12, 4 }, { "router-ad", 9, 134 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i].name) == 0) {
			*type = family == 4 ? names[i].type4 : names[i].type6;
			return true;
		}
	}
	return false;
}

/*
 * quote tcp|udp|echo [other-port] [misdirected]: the quoted packet was sent in the opposite
 * direction of the error, and is the one that script_subject() names.
 */
static void read_quote(struct words *w, struct script_net *net, struct build *error)
{
	struct build q;
	uint8_t data[BUILD_MAX];
	size_t size = net->family == 4 ? 28 : 48;
	bool to_client = memcmp(&error->dst, &net->client, sizeof(error->dst)) == 0;

	q = script_subject(w, net);
	if (!to_client) {
		build_reverse(&q);
		if (q.proto == icmp_proto(net)) {
			q.type = net->family == 4 ? 0 : 129;
		}
	}
	if (words_accept(w, "other-port")) {
		q.sport++;
		q.id++;
	}
	build_packet(&q, data);
	memcpy(net->quoted, data, size);
	error->src = net->router;
	error->payload = net->quoted;
	error->payload_size = size;
	error->id = 0;
	if (words_accept(w, "misdirected")) {
		error->dst = net->router;
	}
}

static void read_icmp(struct words *w, struct script_net *net, struct build *b)
{
	const char *type = words_next(w);

	set_proto(b, icmp_proto(net));
	b->id = 1;
	if (!icmp_type(type, net->family, &b->type)) {
		b->type = (uint8_t)script_number(type);
	}
	if (words_accept(w, "quote")) {
		read_quote(w, net, b);
	}
}

static void read_tcp(struct words *w, struct script_net *net, struct build *b)
{
	read_sequence(words_next(w), b);
	if (words_accept(w, "ack")) {
		b->ack = script_number(words_next(w));
	}
	if (words_accept(w, "win")) {
		b->win = (uint16_t)script_number(words_next(w));
	}
	if (words_peek(w) != NULL && words_peek(w)[0] == '<') {
		read_options(words_next(w), net, b);
	}
}

/* Words that may follow any packet. */
static void read_modifiers(struct words *w, const struct script_net *net, bool from_client,
                           struct script_packet *p)
{
	struct build *b = &p->build;

	while (words_peek(w) != NULL && strcmp(words_peek(w), ":") != 0) {
		const char *word = words_next(w);

		if (strcmp(word, "bad-checksum") == 0) {
			p->bad_checksum = true;
		} else if (strcmp(word, "port") == 0) {
			*(from_client ? &b->sport : &b->dport) =
				(uint16_t)script_number(words_next(w));
		} else if (strcmp(word, "id") == 0) {
			b->id = (uint16_t)script_number(words_next(w));
		} else if (strcmp(word, "code") == 0) {
			b->code = (uint8_t)script_number(words_next(w));
		} else if (strcmp(word, "size") == 0) {
			b->payload_size = script_number(words_next(w));
		} else if (strcmp(word, "copied") == 0) {
			p->cap_size = (long)script_number(words_next(w));
		} else if (strcmp(word, "fragment") == 0 && net->family == 4) {
			b->frag = (uint16_t)script_number(words_next(w));
		} else if (strcmp(word, "hook") == 0) {
			const char *hook = words_next(w);

			p->hook = strcmp(hook, "forward") == 0  ? HOOK_FORWARD
			          : strcmp(hook, "output") == 0 ? HOOK_OUTPUT
			                                        : HOOK_INPUT;
		} else {
			script_die("unknown word after a packet: %s", word);
		}
	}
}

void script_read_packet(struct words *w, struct script_net *net, struct script_packet *out)
{
	bool from_client = words_accept(w, ">");
	struct build *b = &out->build;
	const char *kind;
	uint8_t flags;

	if (!from_client && !words_accept(w, "<")) {
		script_die("a packet must start with > or <");
	}
	memset(out, 0, sizeof(*out));
	out->cap_size = -1;
	out->hook = from_client ? HOOK_INPUT : HOOK_OUTPUT;
	*b = build_default(net->family, IPPROTO_NR_TCP);
	b->src = from_client ? net->client : net->server;
	b->dst = from_client ? net->server : net->client;
	b->sport = from_client ? net->client_port : net->server_port;
	b->dport = from_client ? net->server_port : net->client_port;
	kind = words_next(w);
	if (strcmp(kind, "udp") == 0) {
		set_proto(b, IPPROTO_NR_UDP);
	} else if (strcmp(kind, "icmp") == 0) {
		read_icmp(w, net, b);
	} else if (strcmp(kind, "proto") == 0) {
		set_proto(b, (uint8_t)script_number(words_next(w)));
	} else if (read_flags(kind, &flags)) {
		b->flags = flags;
		read_tcp(w, net, b);
	} else {
		script_die("unknown packet: %s", kind);
	}
	read_modifiers(w, net, from_client, out);
}

struct build script_subject(struct words *w, const struct script_net *net)
{
	struct build b = build_default(net->family, IPPROTO_NR_TCP);

	b.src = net->client;
	b.dst = net->server;
	b.sport = net->client_port;
	b.dport = net->server_port;
	if (words_accept(w, "udp")) {
		set_proto(&b, IPPROTO_NR_UDP);
	} else if (words_accept(w, "echo")) {
		set_proto(&b, icmp_proto(net));
		b.type = net->family == 4 ? 8 : 128;
		b.id = 1;
	} else if (words_accept(w, "proto")) {
		set_proto(&b, (uint8_t)script_number(words_next(w)));
	} else {
		(void)words_accept(w, "tcp");
	}
	return b;
}
