/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer flood: IPv4 packets with random sources, as fast as possible or at a rate.
 *
 * `syn`: SYNs to one port. `random`: TCP segments with random flags, ports and numbers, UDP
 * datagrams, and packets of random protocols, with or without a valid header. Sources are in
 * 10.128.0.0/9. A raw socket sends whole packets; the kernel writes their length, identifier and
 * header checksum.
 */
#include "peer.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH_LEN = 64,
	PACKET_MAX = 128,
	SOURCES = 0x0a800000, /* and 23 random bits */
};

struct flood {
	uint64_t rnd;
	struct in_addr dst;
	uint16_t port;
	bool is_syn;
	_Alignas(8) uint8_t packet[BATCH_LEN][PACKET_MAX];
};

static volatile sig_atomic_t must_end;

static void on_term(int nr)
{
	(void)nr;
	must_end = 1;
}

static uint16_t checksum(const struct iphdr *ip, const void *data, size_t size)
{
	const uint16_t *addr = (const uint16_t *)&ip->saddr;
	const uint8_t *p = data;
	uint32_t sum = htons((uint16_t)size) + (uint32_t)htons(ip->protocol);

	for (size_t i = 0; i < 4; i++) {
		sum += addr[i];
	}
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint16_t word;

		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static size_t write_tcp(struct flood *f, struct iphdr *ip, uint8_t flags)
{
	struct tcphdr *th = (void *)(ip + 1);
	uint64_t r = rnd_next(&f->rnd);

	memset(th, 0, sizeof(*th));
	th->th_sport = (uint16_t)r;
	th->th_dport = f->is_syn ? htons(f->port) : (uint16_t)(r >> 16);
	th->th_seq = (uint32_t)(r >> 32);
	th->th_off = 5;
	th->th_flags = flags;
	th->th_ack = flags & TH_ACK ? (uint32_t)rnd_next(&f->rnd) : 0;
	th->th_win = htons(64240);
	th->th_sum = checksum(ip, th, sizeof(*th));
	return sizeof(*ip) + sizeof(*th);
}

static size_t write_udp(struct flood *f, struct iphdr *ip)
{
	struct udphdr *uh = (void *)(ip + 1);
	uint64_t r = rnd_next(&f->rnd);

	uh->uh_sport = (uint16_t)r;
	uh->uh_dport = (uint16_t)(r >> 16);
	uh->uh_ulen = htons(sizeof(*uh));
	uh->uh_sum = 0; /* none */
	return sizeof(*ip) + sizeof(*uh);
}

static size_t write_packet(struct flood *f, uint8_t *at)
{
	struct iphdr *ip = (void *)at;
	uint64_t r = rnd_next(&f->rnd);
	size_t size;

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->saddr = htonl(SOURCES | (uint32_t)(r & 0x7fffff));
	ip->daddr = f->dst.s_addr;
	ip->protocol = IPPROTO_TCP;
	if (f->is_syn) {
		return write_tcp(f, ip, TH_SYN);
	}
	switch (r >> 32 & 7) {
	case 0:
		ip->protocol = IPPROTO_UDP;
		return write_udp(f, ip);
	case 1:
		ip->protocol = (uint8_t)(r >> 40);
		size = 8 + (r >> 48) % 64;
		for (size_t i = 0; i < size; i += 8) {
			uint64_t word = rnd_next(&f->rnd);

			memcpy(at + sizeof(*ip) + i, &word, sizeof(word));
		}
		return sizeof(*ip) + size;
	default:
		return write_tcp(f, ip, (uint8_t)(r >> 40 & 0x3f));
	}
}

/* Sends a batch. Returns the number of packets that were sent. */
static unsigned send_batch(int fd, struct flood *f, struct sockaddr_in *to)
{
	struct mmsghdr msgs[BATCH_LEN];
	struct iovec iov[BATCH_LEN];
	int sent;

	memset(msgs, 0, sizeof(msgs));
	for (unsigned i = 0; i < BATCH_LEN; i++) {
		iov[i].iov_base = f->packet[i];
		iov[i].iov_len = write_packet(f, f->packet[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = to;
		msgs[i].msg_hdr.msg_namelen = sizeof(*to);
	}
	sent = sendmmsg(fd, msgs, BATCH_LEN, 0);
	if (sent < 0 && errno != ENOBUFS && errno != EPERM && errno != EINVAL && errno != EINTR) {
		die("send");
	}
	return sent > 0 ? (unsigned)sent : 0;
}

int mode_flood(int argc, char **argv)
{
	static struct flood f;
	double seconds = (double)parse_count(argv[1], 1000000);
	struct endpoint dst = parse_endpoint(argv[2], (uint16_t)parse_count(argv[3], UINT16_MAX));
	double rate = argc > 4 ? (double)parse_count(argv[4], 10000000) : 0;
	double begun = clock_s();
	uint64_t sent = 0;
	double now;
	int fd;

	f.is_syn = strcmp(argv[0], "syn") == 0;
	if (!f.is_syn && strcmp(argv[0], "random") != 0) {
		die_usage("\"%s\": want syn or random", argv[0]);
	}
	if (dst.sa.sa_family != AF_INET) {
		die_usage("\"%s\": want an IPv4 address", argv[2]);
	}
	f.rnd = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	f.dst = dst.in.sin_addr;
	f.port = ntohs(dst.in.sin_port);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0) {
		die("raw socket");
	}
	dst.in.sin_port = 0;
	signal(SIGTERM, on_term);
	while ((now = clock_s()) - begun < seconds && !must_end) {
		if (rate > 0 && (double)sent > (now - begun) * rate) {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			continue;
		}
		sent += send_batch(fd, &f, &dst.in);
	}
	close(fd);
	printf("{\"mode\":\"flood\",\"sent\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}\n",
	       (unsigned long long)sent, now - begun, (double)sent / (now - begun));
	return 0;
}
