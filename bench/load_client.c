/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client process: one function per kind of traffic.
 */
#include "clock.h"
#include "load.h"
#include "load_datagram.h"
#include "netns.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BULK_THREADS    4
#define CONNECT_THREADS 4
#define BULK_SIZE       (256 * 1024)
#define UDP_BATCH       32
#define TIMEOUT_S       10 /* covers a SYN that is lost twice */
#define UDP_SOCKETS     NETNS_SERVER_ADDRESSES

struct client_thread {
	struct load_counters *counters;
	unsigned nr;
};

static bool is_over(const struct load_counters *c)
{
	return clock_ns() >= atomic_load_explicit(&c->until_ns, memory_order_relaxed);
}

/* Returns a socket connected to the server's nr-th address, with TIMEOUT_S, or -1. */
static int connect_to(int type, uint16_t port, unsigned nr)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_port = htons(port),
		                  .sin_addr.s_addr = netns_server_address(nr) };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Runs a function in several threads until all have returned, then ends the process. */
static _Noreturn void run_threads(struct load_counters *c, unsigned threads_len,
                                  void *(*run)(void *))
{
	struct client_thread args[BULK_THREADS > CONNECT_THREADS ? BULK_THREADS : CONNECT_THREADS];
	pthread_t thread[sizeof(args) / sizeof(args[0])];

	for (unsigned i = 0; i < threads_len; i++) {
		args[i] = (struct client_thread){ c, i };
		if (pthread_create(&thread[i], NULL, run, &args[i]) != 0) {
			_exit(1);
		}
	}
	for (unsigned i = 0; i < threads_len; i++) {
		pthread_join(thread[i], NULL);
	}
	_exit(0);
}

static void *bulk_one(void *arg)
{
	const struct client_thread *e = arg;
	char *buf = calloc(1, BULK_SIZE);
	int fd = connect_to(SOCK_STREAM, LOAD_PORT_BULK, e->nr);

	if (fd < 0 || buf == NULL) {
		_exit(1);
	}
	while (!is_over(e->counters) && send(fd, buf, BULK_SIZE, MSG_NOSIGNAL) > 0) {
	}
	(void)close(fd);
	free(buf);
	return NULL;
}

static void *connect_one(void *arg)
{
	const struct client_thread *e = arg;

	for (unsigned i = e->nr; !is_over(e->counters); i++) {
		int fd = connect_to(SOCK_STREAM, LOAD_PORT_CONNECT, i);
		char byte = 0;

		if (fd >= 0 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
		    recv(fd, &byte, 1, 0) == 1) {
			atomic_fetch_add_explicit(&e->counters->connections, 1,
			                          memory_order_relaxed);
		}
		(void)close(fd);
	}
	return NULL;
}

static _Noreturn void pingpong(struct load_counters *c)
{
	int fd = connect_to(SOCK_STREAM, LOAD_PORT_ECHO, 0);
	uint64_t len = 0;
	uint64_t from_ns;
	char byte = 0;
	int on = 1;

	if (fd < 0) {
		_exit(1);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (!is_over(c) && len < LOAD_TIMES_MAX) {
		from_ns = clock_ns();
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1) {
			_exit(1);
		}
		c->time_ns[len++] = (uint32_t)(clock_ns() - from_ns);
		atomic_store_explicit(&c->times_len, len, memory_order_relaxed);
	}
	_exit(0);
}

struct udp_batch {
	int fd[UDP_SOCKETS];
	unsigned turn;
	struct load_datagram datagram[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct mmsghdr msg[UDP_BATCH];
};

static void udp_init(struct udp_batch *u)
{
	memset(u, 0, sizeof(*u));
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		u->fd[i] = connect_to(SOCK_DGRAM, LOAD_PORT_UDP, i);
		if (u->fd[i] < 0) {
			_exit(1);
		}
	}
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		u->iov[i] = (struct iovec){ &u->datagram[i], sizeof(u->datagram[i]) };
		u->msg[i].msg_hdr.msg_iov = &u->iov[i];
		u->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Sends the first len datagrams of the batch through the next socket. */
static void udp_send(struct udp_batch *u, struct load_counters *c, unsigned len)
{
	int sent = sendmmsg(u->fd[u->turn++ % UDP_SOCKETS], u->msg, len, 0);

	if (sent > 0) {
		atomic_fetch_add_explicit(&c->udp_sent, (uint64_t)sent, memory_order_relaxed);
	}
}

static _Noreturn void flood(struct load_counters *c)
{
	static struct udp_batch u;

	udp_init(&u);
	while (!is_over(c)) {
		udp_send(&u, c, UDP_BATCH);
	}
	_exit(0);
}

static _Noreturn void paced(struct load_counters *c, uint32_t per_s)
{
	static struct udp_batch u;
	uint64_t gap_ns = 1000000000u / per_s;
	uint64_t due_ns = clock_ns() + 1000000;

	load_set_realtime();
	udp_init(&u);
	/* Every datagram that is due before the end is sent, even if late. */
	while (due_ns < atomic_load_explicit(&c->until_ns, memory_order_relaxed)) {
		uint64_t now_ns = clock_sleep_until(due_ns);
		unsigned len = 0;

		while (due_ns <= now_ns && len < UDP_BATCH) {
			u.datagram[len++].due_ns = due_ns;
			due_ns += gap_ns;
		}
		udp_send(&u, c, len);
	}
	_exit(0);
}

_Noreturn void load_client_main(struct load_counters *c, enum load_kind kind, uint32_t per_s)
{
	switch (kind) {
	case LOAD_BULK:
		run_threads(c, BULK_THREADS, bulk_one);
	case LOAD_CONNECT:
		run_threads(c, CONNECT_THREADS, connect_one);
	case LOAD_PINGPONG:
		pingpong(c);
	case LOAD_FLOOD:
		flood(c);
	default:
		paced(c, per_s);
	}
}
