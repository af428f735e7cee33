/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer scan: lone FIN and RST segments with valid checksums, of connections that never existed.
 *
 * Ports and sequence numbers are random, from a seed that is printed. The kernel writes the IP
 * header (raw socket of protocol TCP); the pseudo-header checksum is RFC 9293, section 3.1.
 */
#include "peer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PACE_PACKETS = 32, /* then a pause, so that no queue on the path overflows */
	PACE_NS = 1000000,
};

static uint16_t tcp_checksum(const struct endpoint *src, const struct endpoint *dst,
                             const struct tcphdr *th);
struct ports {
	uint16_t src; /* 0: random */
	uint16_t dst;
};

static bool send_segment(int fd, const struct endpoint *src, const struct endpoint *dst,
                         const struct ports *fixed, uint64_t *rnd, bool rst);
static void pace(uint64_t sent, uint64_t rate, const struct timespec *start);

int mode_scan(int argc, char **argv)
{
	bool fin = strcmp(argv[0], "fin") == 0 || strcmp(argv[0], "fin,rst") == 0;
	bool rst = strcmp(argv[0], "rst") == 0 || strcmp(argv[0], "fin,rst") == 0;
	uint64_t count = parse_count(argv[1], 10000000);
	struct endpoint src = parse_endpoint(argv[2], 0);
	struct endpoint dst = parse_endpoint(argv[3], 0);
	uint64_t seed = argc > 4 ? parse_count(argv[4], UINT64_MAX)
	                         : (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	uint64_t rnd = seed;
	uint64_t rate = argc > 5 ? parse_count(argv[5], 10000000) : 0;
	struct ports fixed = { 0 };
	struct timespec start;
	uint64_t sent[2] = { 0, 0 };
	uint64_t failed = 0;
	int fd;

	if (!fin && !rst) {
		die_usage("\"%s\": want fin, rst or fin,rst", argv[0]);
	}
	if (src.sa.sa_family != dst.sa.sa_family) {
		die_usage("\"%s\" and \"%s\": want two addresses of one family", argv[2], argv[3]);
	}
	fd = socket(src.sa.sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0) {
		die("raw socket");
	}
	if (bind(fd, &src.sa, src.size)) {
		die("bind to %s", argv[2]);
	}
	if (argc == 7) {
		die_usage("\"%s\": want two ports", argv[6]);
	}
	if (argc > 7) {
		fixed.src = (uint16_t)parse_count(argv[6], UINT16_MAX);
		fixed.dst = (uint16_t)parse_count(argv[7], UINT16_MAX);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t i = 0; i < count; i++) {
		bool is_rst = fin && rst ? i % 2 == 1 : rst;

		if (send_segment(fd, &src, &dst, &fixed, &rnd, is_rst)) {
			sent[is_rst]++;
		} else {
			failed++;
		}
		if (i % PACE_PACKETS == PACE_PACKETS - 1) {
			pace(i + 1, rate, &start);
		}
	}
	close(fd);
	printf("{\"mode\":\"scan\",\"sent\":%llu,\"fin\":%llu,\"rst\":%llu,\"failed\":%llu,"
	       "\"seed\":%llu}\n",
	       (unsigned long long)(sent[0] + sent[1]), (unsigned long long)sent[0],
	       (unsigned long long)sent[1], (unsigned long long)failed, (unsigned long long)seed);
	return failed ? 1 : 0;
}

/* Waits until so many may have been sent at this rate. */
static void pace(uint64_t sent, uint64_t rate, const struct timespec *start)
{
	struct timespec until = *start;

	if (rate == 0) {
		nanosleep(&(struct timespec){ .tv_nsec = PACE_NS }, NULL);
		return;
	}
	until.tv_nsec += (long)(sent % rate * 1000000000 / rate);
	until.tv_sec += (time_t)(sent / rate) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool send_segment(int fd, const struct endpoint *src, const struct endpoint *dst,
                         const struct ports *fixed, uint64_t *rnd, bool rst)
{
	struct endpoint to = *dst;
	uint64_t seqs = rnd_next(rnd);
	uint64_t ports = rnd_next(rnd);
	struct tcphdr th;

	memset(&th, 0, sizeof(th));
	th.th_sport = htons((uint16_t)(1 + (ports & 0xffff) % 65535));
	th.th_dport = htons((uint16_t)(1 + (ports >> 16 & 0xffff) % 65535));
	if (fixed->src != 0) {
		th.th_sport = htons(fixed->src);
		th.th_dport = htons(fixed->dst);
	}
	th.th_seq = htonl((uint32_t)seqs);
	th.th_off = sizeof(th) / 4;
	if (rst) {
		th.th_flags = TH_RST;
	} else {
		th.th_flags = TH_FIN | TH_ACK;
		th.th_ack = htonl((uint32_t)(seqs >> 32));
		th.th_win = htons(1024);
	}
	th.th_sum = tcp_checksum(src, dst, &th);
	if (to.sa.sa_family == AF_INET6) {
		to.in6.sin6_port = 0; /* a raw IPv6 socket reads it as the protocol */
	}
	return sendto(fd, &th, sizeof(th), 0, &to.sa, to.size) == (ssize_t)sizeof(th);
}

static uint16_t tcp_checksum(const struct endpoint *src, const struct endpoint *dst,
                             const struct tcphdr *th)
{
	uint32_t sum = IPPROTO_TCP + sizeof(*th) + inet_sum(th, sizeof(*th));

	if (src->sa.sa_family == AF_INET) {
		sum += inet_sum(&src->in.sin_addr, sizeof(src->in.sin_addr));
		sum += inet_sum(&dst->in.sin_addr, sizeof(dst->in.sin_addr));
	} else {
		sum += inet_sum(&src->in6.sin6_addr, sizeof(src->in6.sin6_addr));
		sum += inet_sum(&dst->in6.sin6_addr, sizeof(dst->in6.sin6_addr));
	}
	return inet_checksum(sum);
}
