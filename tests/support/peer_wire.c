/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer wire: connections of hand-made segments, from both ends of a gateway, at a constant rate.
 *
 * Six segments each: SYN, SYN+ACK, ACK, FIN, FIN, ACK. The next one is sent when the one before has
 * arrived at the other end, so the gateway may hold any of them. There are no sockets of TCP, and
 * no retransmissions: the load costs little and a segment that is lost is seen. The time from the
 * send to the kernel's timestamp of the arrival is measured for each kind of segment.
 *
 * One process has a packet socket in the namespace of each end. The addresses belong to no host:
 * 10.20.0.0/16 must lead to the first link, 10.21.0.0/16 to the second.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_FIRST = 1024,
	PORTS_LEN = 60000, /* of one client address */
	SERVER_PORT = 7000,
	BATCH_LEN = 64,
	BURST_LEN = 32, /* connections opened between two receives */
	FRAME_SIZE = 128,
	RCVBUF_SIZE = 32 << 20,
	DRAIN_S = 2, /* for the segments of the last connections */
};

#define CLIENT_NET UINT32_C(0x0a140000)
#define SERVER     UINT32_C(0x0a150001)

/* The latest segment of a connection that arrived, in order. */
enum stage { SENT_SYN, GOT_SYN, GOT_SYN_ACK, GOT_ACK, GOT_FIN, GOT_FIN_ACK, GOT_LAST, STAGES_LEN };

static const char *const stage_names[STAGES_LEN] = { NULL,  "syn",     "syn_ack", "ack",
	                                             "fin", "fin_ack", "last" };

struct conn {
	uint64_t sent_ns; /* the latest segment */
	uint8_t stage;
};

struct end {
	int fd;
	struct sockaddr_ll to;
};

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* Buckets of 1/16 power of two, in nanoseconds. */
enum { BUCKETS_LEN = 1024 };

struct wire {
	struct end end[2]; /* client's, server's */
	struct conn *conns;
	uint64_t conns_max;
	uint32_t base_seq; /* later runs have later numbers, as RFC 6528 demands */
	uint64_t started;
	uint64_t send_fails;
	uint64_t ended;
	uint64_t times[STAGES_LEN][BUCKETS_LEN];
	uint64_t longest_ns[STAGES_LEN];
};

static volatile sig_atomic_t must_end;

static void on_term(int nr)
{
	(void)nr;
	must_end = 1;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift = ns < 16 ? 0 : 63 - (unsigned)__builtin_clzll(ns) - 4;

	return (shift << 4) + (unsigned)(ns >> shift);
}

static uint64_t bucket_ns(unsigned bucket)
{
	return bucket < 32 ? bucket : (uint64_t)(16 + bucket % 16 + 1) << (bucket / 16 - 1);
}

static void note_time(struct wire *w, enum stage stage, uint64_t ns)
{
	unsigned bucket = bucket_of(ns);

	w->times[stage][bucket < BUCKETS_LEN ? bucket : BUCKETS_LEN - 1]++;
	w->longest_ns[stage] = ns > w->longest_ns[stage] ? ns : w->longest_ns[stage];
}

/* Microseconds that this share of the segments did not exceed. */
static double quantile_us(const uint64_t *times, double share)
{
	uint64_t count = 0;
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS_LEN; i++) {
		count += times[i];
	}
	for (unsigned i = 0; i < BUCKETS_LEN; i++) {
		seen += times[i];
		if (seen > 0 && (double)seen >= share * (double)count) {
			return (double)bucket_ns(i) / 1000;
		}
	}
	return 0;
}

/* the link */

/* A packet socket on the interface of the namespace; mac: of the gateway's end of the link. */
static struct end open_end(const char *ns, const char *iface, const char *mac)
{
	const int size = RCVBUF_SIZE;
	const int on = 1;
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct end e = { .to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN } };
	unsigned m[ETH_ALEN];
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
		die("namespace %s", ns);
	}
	close(fd);
	at.sll_ifindex = (int)if_nametoindex(iface);
	e.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (e.fd < 0 ||
	    setsockopt(e.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
	    setsockopt(e.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
	    setsockopt(e.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
	    bind(e.fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		die("packet socket on %s in %s", iface, ns);
	}
	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) !=
	    ETH_ALEN) {
		die_usage("\"%s\": want a hardware address", mac);
	}
	for (unsigned i = 0; i < ETH_ALEN; i++) {
		e.to.sll_addr[i] = (uint8_t)m[i];
	}
	e.to.sll_ifindex = at.sll_ifindex;
	return e;
}

static void send_segment(struct wire *w, uint64_t nr, unsigned dir, uint8_t flags, uint32_t seq,
                         uint32_t ack)
{
	struct end *e = &w->end[dir];
	uint32_t client = CLIENT_NET + 1 + (uint32_t)(nr / PORTS_LEN);
	uint16_t port = (uint16_t)(PORT_FIRST + nr % PORTS_LEN);
	struct frame f = {
		.eth = { .ether_type = htons(ETH_P_IP) },
		.ip = { .version = 4,
		        .ihl = 5,
		        .tot_len = htons(sizeof(f.ip) + sizeof(f.tcp)),
		        .ttl = 64,
		        .protocol = IPPROTO_TCP,
		        .saddr = htonl(dir == 0 ? client : SERVER),
		        .daddr = htonl(dir == 0 ? SERVER : client) },
	};

	memcpy(f.eth.ether_dhost, e->to.sll_addr, ETH_ALEN);
	f.eth.ether_shost[0] = 2;
	f.tcp.th_sport = htons(dir == 0 ? port : SERVER_PORT);
	f.tcp.th_dport = htons(dir == 0 ? SERVER_PORT : port);
	f.tcp.th_seq = htonl(seq);
	f.tcp.th_ack = htonl(ack);
	f.tcp.th_off = sizeof(f.tcp) / 4;
	f.tcp.th_flags = flags;
	f.tcp.th_win = htons(65535);
	f.ip.check = inet_checksum(inet_sum(&f.ip, sizeof(f.ip)));
	f.tcp.th_sum = inet_checksum(IPPROTO_TCP + sizeof(f.tcp) + inet_sum(&f.ip.saddr, 8) +
	                             inet_sum(&f.tcp, sizeof(f.tcp)));
	w->conns[nr].sent_ns = wall_ns();
	w->send_fails += sendto(e->fd, &f, sizeof(f), 0, (struct sockaddr *)&e->to,
	                        sizeof(e->to)) != (ssize_t)sizeof(f);
}

/* connections */

static uint32_t first_seq(const struct wire *w, uint64_t nr, unsigned dir)
{
	return w->base_seq + (uint32_t)((nr * 2 + dir + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static void start_one(struct wire *w)
{
	uint64_t nr = w->started++;

	send_segment(w, nr, 0, TH_SYN, first_seq(w, nr, 0), 0);
}

/* What follows when a segment has arrived. */
static void go_on(struct wire *w, uint64_t nr, enum stage stage)
{
	uint32_t c = first_seq(w, nr, 0);
	uint32_t s = first_seq(w, nr, 1);

	switch (stage) {
	case GOT_SYN:
		send_segment(w, nr, 1, TH_SYN | TH_ACK, s, c + 1);
		break;
	case GOT_SYN_ACK:
		send_segment(w, nr, 0, TH_ACK, c + 1, s + 1);
		break;
	case GOT_ACK:
		send_segment(w, nr, 0, TH_FIN | TH_ACK, c + 1, s + 1);
		break;
	case GOT_FIN:
		send_segment(w, nr, 1, TH_FIN | TH_ACK, s + 1, c + 2);
		break;
	case GOT_FIN_ACK:
		send_segment(w, nr, 0, TH_ACK, c + 2, s + 2);
		break;
	default:
		w->ended++;
		break;
	}
}

/* The stage that a segment leads to, by its flags and the one before. */
static enum stage stage_of(const struct conn *c, unsigned dir, uint8_t flags)
{
	switch (flags & (TH_SYN | TH_ACK | TH_FIN | TH_RST)) {
	case TH_SYN:
		return dir == 0 ? GOT_SYN : STAGES_LEN;
	case TH_SYN | TH_ACK:
		return dir == 1 ? GOT_SYN_ACK : STAGES_LEN;
	case TH_ACK:
		return c->stage == GOT_SYN_ACK ? GOT_ACK : GOT_LAST;
	case TH_FIN | TH_ACK:
		return dir == 0 ? GOT_FIN : GOT_FIN_ACK;
	default:
		return STAGES_LEN;
	}
}

static void take_frame(struct wire *w, unsigned dir, const uint8_t *data, size_t size,
                       uint64_t arrived_ns)
{
	struct frame f;
	uint32_t client;
	uint16_t port;
	uint64_t nr;
	enum stage stage;
	struct conn *c;

	if (size < sizeof(f)) {
		return;
	}
	memcpy(&f, data, sizeof(f));
	client = ntohl(dir == 0 ? f.ip.saddr : f.ip.daddr) - CLIENT_NET - 1;
	port = ntohs(dir == 0 ? f.tcp.th_sport : f.tcp.th_dport);
	nr = (uint64_t)client * PORTS_LEN + port - PORT_FIRST;
	if (f.ip.protocol != IPPROTO_TCP || client > UINT16_MAX || port < PORT_FIRST ||
	    nr >= w->started) {
		return;
	}
	c = &w->conns[nr];
	stage = stage_of(c, dir, f.tcp.th_flags);
	if (stage != c->stage + 1u) {
		return;
	}
	c->stage = (uint8_t)stage;
	note_time(w, stage, arrived_ns > c->sent_ns ? arrived_ns - c->sent_ns : 0);
	go_on(w, nr, stage);
}

/* dir: of the segments that arrive at that end. Returns how many. */
static int receive(struct wire *w, unsigned dir)
{
	static uint8_t data[BATCH_LEN][FRAME_SIZE];
	static union {
		struct cmsghdr align;
		uint8_t bytes[64];
	} control[BATCH_LEN];
	struct mmsghdr msgs[BATCH_LEN];
	struct iovec iov[BATCH_LEN];
	int len;

	for (unsigned i = 0; i < BATCH_LEN; i++) {
		iov[i] = (struct iovec){ data[i], FRAME_SIZE };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i],
			                           .msg_iovlen = 1,
			                           .msg_control = control[i].bytes,
			                           .msg_controllen = sizeof(control[i]) };
	}
	len = recvmmsg(w->end[1 - dir].fd, msgs, BATCH_LEN, MSG_DONTWAIT, NULL);
	for (int i = 0; i < len; i++) {
		const struct cmsghdr *m = CMSG_FIRSTHDR(&msgs[i].msg_hdr);
		struct timespec t = { 0 };

		if (m != NULL && m->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(m), sizeof(t));
		}
		take_frame(w, dir, data[i], msgs[i].msg_len,
		           (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
	}
	return len > 0 ? len : 0;
}

static void run(struct wire *w, double rate, double seconds)
{
	struct pollfd fds[2] = { { .fd = w->end[0].fd, .events = POLLIN },
		                 { .fd = w->end[1].fd, .events = POLLIN } };
	double begun = clock_s();
	double until = begun + seconds;
	double now = begun;

	while (now < until + DRAIN_S && (now < until || w->ended < w->started)) {
		int got;

		if (must_end) {
			until = now < until ? now : until;
		}
		for (unsigned n = 0; n < BURST_LEN && now < until && w->started < w->conns_max &&
		                     (double)w->started < (now - begun) * rate;
		     n++) {
			start_one(w);
		}
		got = receive(w, 0) + receive(w, 1);
		now = clock_s();
		if (got == 0 && (double)w->started >= (now - begun) * rate) {
			struct timespec wait = { .tv_nsec = 50000 };

			(void)ppoll(fds, 2, &wait, NULL);
			now = clock_s();
		} else if (got == 0 && now >= until) {
			(void)poll(fds, 2, 10);
		}
	}
}

static void report(const struct wire *w)
{
	printf("{\"mode\":\"wire\",\"connections\":%llu,\"complete\":%llu,\"send_fails\":%llu",
	       (unsigned long long)w->started, (unsigned long long)w->ended,
	       (unsigned long long)w->send_fails);
	for (unsigned i = GOT_SYN; i < STAGES_LEN; i++) {
		printf(",\"%s_us\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}", stage_names[i],
		       quantile_us(w->times[i], 0.5), quantile_us(w->times[i], 0.99),
		       (double)w->longest_ns[i] / 1000);
	}
	printf("}\n");
}

int mode_wire(int argc, char **argv)
{
	static struct wire w;
	double rate = (double)parse_count(argv[0], 1000000);
	double seconds = (double)parse_count(argv[1], 100000);

	(void)argc;
	w.end[0] = open_end(argv[2], argv[3], argv[4]);
	w.end[1] = open_end(argv[5], argv[6], argv[7]);
	w.conns_max = (uint64_t)(rate * (seconds + 1));
	w.conns = calloc(w.conns_max, sizeof(*w.conns));
	if (w.conns == NULL) {
		die("memory");
	}
	w.base_seq = (uint32_t)(wall_ns() >> 12);
	signal(SIGTERM, on_term);
	run(&w, rate, seconds);
	report(&w);
	return w.ended == w.started ? 0 : 1;
}
