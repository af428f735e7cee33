/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: both ends of TCP connections, for tests of a firewall between them.
 *
 *   peer listen PORTS ADDR...        the server's ends: one connection per port and address
 *   peer connect PORTS ADDR...       the client's ends: one connection per port and address
 *   peer scan FLAGS COUNT SRC DST [SEED [RATE [SPORT DPORT]]]   send lone segments of connections
 *                                    that never existed, or with given ports forged ones of a
 *                                    connection; at most RATE a second, by default
 *                                    about 30000
 *   peer flood KIND SECONDS ADDR PORT [RATE]   send `syn` or `random` packets with random sources,
 *                                    as fast as possible or RATE a second, or until SIGTERM
 *   peer serve ADDR PORT             answer `bulk`, `steady` and `short`
 *   peer bulk ADDR PORT MIB          send MIB, and compare the server's checksum
 *   peer short ADDR PORT COUNT       COUNT times: connect, a byte each way, close
 *   peer steady ADDR PORT MIB_PER_SECOND   like bulk, at that rate until SIGTERM
 *   peer answer PORTS ADDR...        answer `storm`
 *   peer storm RATE SECONDS PORTS ADDR...  RATE new connections per second, for SECONDS or until
 *                                    SIGTERM; prints their outcomes
 *   peer wire RATE SECONDS NS IFACE MAC NS IFACE MAC   RATE new connections of hand-made segments
 * per second through a gateway, from both ends; prints how long each kind of segment took
 *
 * PORTS is one port or FIRST-LAST, ADDR an IPv4 or IPv6 address, FLAGS `fin` (FIN+ACK), `rst`, or
 * `fin,rst` (in turn).
 *
 * listen prints `ready` when it listens, connect when all connections are established. Then both
 * print one line per event: `open ADDR PORT`, `data ADDR PORT`, `eof ADDR PORT`, `reset ADDR PORT`,
 * `error ADDR PORT TEXT`. An end that reads end-of-file closes too. Commands come on standard
 * input, a line each: `send PORTS` sends a byte, `fin PORTS` closes, `rst PORTS` closes with a RST;
 * after each they print `done COMMAND`. End-of-file is ignored: the connections stay open until the
 * process is killed, when the kernel closes them with a FIN.
 *
 * The other modes print one line of JSON. Exit status: 0 success, 1 failure, 2 usage. peer needs
 * only the C library, and knows nothing of finwall.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct mode {
	const char *name;
	const char *args;
	int args_min;
	int args_max;
	int (*run)(int argc, char **argv);
};

static const struct mode modes[] = {
	{ "listen", "PORTS ADDR...", 2, 64, mode_listen },
	{ "connect", "PORTS ADDR...", 2, 64, mode_connect },
	{ "scan", "FLAGS COUNT SRC DST [SEED [RATE [SPORT DPORT]]]", 4, 8, mode_scan },
	{ "flood", "KIND SECONDS ADDR PORT [RATE]", 4, 5, mode_flood },
	{ "serve", "ADDR PORT", 2, 2, mode_serve },
	{ "bulk", "ADDR PORT MIB", 3, 3, mode_bulk },
	{ "short", "ADDR PORT COUNT", 3, 3, mode_short },
	{ "steady", "ADDR PORT MIB_PER_SECOND", 3, 3, mode_steady },
	{ "answer", "PORTS ADDR...", 2, 64, mode_answer },
	{ "storm", "RATE SECONDS PORTS ADDR...", 4, 64, mode_storm },
	{ "wire", "RATE SECONDS NS IFACE MAC NS IFACE MAC", 8, 8, mode_wire },
};

static const size_t modes_len = sizeof(modes) / sizeof(modes[0]);

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < modes_len; i++) {
		const struct mode *m = &modes[i];

		if (strcmp(argv[1], m->name) != 0) {
			continue;
		}
		if (argc - 2 < m->args_min || argc - 2 > m->args_max) {
			die_usage("usage: peer %s %s", m->name, m->args);
		}
		return m->run(argc - 2, argv + 2);
	}
	for (size_t i = 0; i < modes_len; i++) {
		fprintf(stderr, "usage: peer %s %s\n", modes[i].name, modes[i].args);
	}
	return 2;
}

void die_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("peer: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

void die(const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	fputs("peer: ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", why);
	va_end(ap);
	exit(1);
}

uint64_t parse_count(const char *text, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || v < 1 || v > max) {
		die_usage("\"%s\": want a number from 1 to %llu", text, (unsigned long long)max);
	}
	return v;
}

struct endpoint parse_endpoint(const char *addr, uint16_t port)
{
	struct endpoint e;

	memset(&e, 0, sizeof(e));
	if (inet_pton(AF_INET, addr, &e.in.sin_addr) == 1) {
		e.in.sin_family = AF_INET;
		e.in.sin_port = htons(port);
		e.size = sizeof(e.in);
		return e;
	}
	if (inet_pton(AF_INET6, addr, &e.in6.sin6_addr) == 1) {
		e.in6.sin6_family = AF_INET6;
		e.in6.sin6_port = htons(port);
		e.size = sizeof(e.in6);
		return e;
	}
	die_usage("\"%s\": want an IPv4 or IPv6 address", addr);
}

struct port_range parse_ports(const char *text)
{
	struct port_range r;
	char first[8];
	const char *dash = strchr(text, '-');

	if (!dash) {
		r.first = (uint16_t)parse_count(text, UINT16_MAX);
		r.last = r.first;
		return r;
	}
	if ((size_t)(dash - text) >= sizeof(first)) {
		die_usage("\"%s\": want PORT or FIRST-LAST", text);
	}
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	r.first = (uint16_t)parse_count(first, UINT16_MAX);
	r.last = (uint16_t)parse_count(dash + 1, UINT16_MAX);
	if (r.last < r.first) {
		die_usage("\"%s\": the last port is below the first", text);
	}
	return r;
}

int listen_on(const struct endpoint *at)
{
	int one = 1;
	int fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		die("socket");
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &at->sa, at->size)) {
		die("bind to port %u", ntohs(at->in.sin_port));
	}
	if (listen(fd, 1024)) {
		die("listen");
	}
	return fd;
}

double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
