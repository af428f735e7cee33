/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of the traffic, in a process of its own.
 */
#include "load.h"
#include "load_wire.h"
#include "ticks.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BULK_THREADS  4
#define SHORT_THREADS 4
#define BULK_SIZE     (256 * 1024)
#define UDP_BATCH     32
#define PATIENCE_S    10 /* long enough for a SYN that is lost twice */
#define UDP_SOCKETS   NET_SERVERS_LEN

struct errand {
	struct load_tally *tally;
	unsigned nr;
};

static bool is_over(const struct load_tally *t)
{
	return clock_ns() >= atomic_load_explicit(&t->until_ns, memory_order_relaxed);
}

/* A socket to the server's nr-th address, which waits for nothing longer than that; -1. */
static int reach(int type, uint16_t port, unsigned nr)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_port = htons(port),
		                  .sin_addr.s_addr = net_server_address(nr) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Runs an errand in several threads at once, to the end. */
static _Noreturn void run_all(struct load_tally *t, unsigned threads_len, void *(*run)(void *))
{
	struct errand errand[BULK_THREADS > SHORT_THREADS ? BULK_THREADS : SHORT_THREADS];
	pthread_t thread[sizeof(errand) / sizeof(errand[0])];

	for (unsigned i = 0; i < threads_len; i++) {
		errand[i] = (struct errand){ t, i };
		if (pthread_create(&thread[i], NULL, run, &errand[i]) != 0) {
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
	const struct errand *e = arg;
	char *buf = calloc(1, BULK_SIZE);
	int fd = reach(SOCK_STREAM, LOAD_PORT_BULK, e->nr);

	if (fd < 0 || buf == NULL) {
		_exit(1);
	}
	while (!is_over(e->tally) && send(fd, buf, BULK_SIZE, MSG_NOSIGNAL) > 0) {
	}
	(void)close(fd);
	free(buf);
	return NULL;
}

static void *shorts_one(void *arg)
{
	const struct errand *e = arg;

	for (unsigned i = e->nr; !is_over(e->tally); i++) {
		int fd = reach(SOCK_STREAM, LOAD_PORT_SHORT, i);
		char byte = 0;

		if (fd >= 0 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
		    recv(fd, &byte, 1, 0) == 1) {
			atomic_fetch_add_explicit(&e->tally->shorts, 1, memory_order_relaxed);
		}
		(void)close(fd);
	}
	return NULL;
}

static _Noreturn void pingpong(struct load_tally *t)
{
	int fd = reach(SOCK_STREAM, LOAD_PORT_ECHO, 0);
	uint64_t len = 0;
	uint64_t from_ns;
	char byte = 0;
	int on = 1;

	if (fd < 0) {
		_exit(1);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (!is_over(t) && len < LOAD_TIMES_MAX) {
		from_ns = clock_ns();
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1) {
			_exit(1);
		}
		t->time_ns[len++] = (uint32_t)(clock_ns() - from_ns);
		atomic_store_explicit(&t->times_len, len, memory_order_relaxed);
	}
	_exit(0);
}

struct udp_batch {
	int fd[UDP_SOCKETS];
	unsigned turn;
	struct load_stamp stamp[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct mmsghdr msg[UDP_BATCH];
};

static void udp_init(struct udp_batch *u)
{
	memset(u, 0, sizeof(*u));
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		u->fd[i] = reach(SOCK_DGRAM, LOAD_PORT_UDP, i);
		if (u->fd[i] < 0) {
			_exit(1);
		}
	}
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		u->iov[i] = (struct iovec){ &u->stamp[i], sizeof(u->stamp[i]) };
		u->msg[i].msg_hdr.msg_iov = &u->iov[i];
		u->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Sends the first len datagrams of the batch, from the next socket. */
static void udp_send(struct udp_batch *u, struct load_tally *t, unsigned len)
{
	int sent = sendmmsg(u->fd[u->turn++ % UDP_SOCKETS], u->msg, len, 0);

	if (sent > 0) {
		atomic_fetch_add_explicit(&t->udp_sent, (uint64_t)sent, memory_order_relaxed);
	}
}

static _Noreturn void flood(struct load_tally *t)
{
	static struct udp_batch u;

	udp_init(&u);
	while (!is_over(t)) {
		udp_send(&u, t, UDP_BATCH);
	}
	_exit(0);
}

/* Sleeps until an instant; returns when it woke. */
static uint64_t sleep_until(uint64_t due_ns)
{
	struct timespec due = { (time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {
	}
	return clock_ns();
}

static _Noreturn void paced(struct load_tally *t, uint32_t per_s)
{
	static struct udp_batch u;
	uint64_t gap_ns = 1000000000u / per_s;
	uint64_t due_ns = clock_ns() + 1000000;

	load_be_punctual();
	udp_init(&u);
	/* What was due before the end is sent, however late. */
	while (due_ns < atomic_load_explicit(&t->until_ns, memory_order_relaxed)) {
		uint64_t now_ns = sleep_until(due_ns);
		unsigned len = 0;

		while (due_ns <= now_ns && len < UDP_BATCH) {
			u.stamp[len++].due_ns = due_ns;
			due_ns += gap_ns;
		}
		udp_send(&u, t, len);
	}
	_exit(0);
}

_Noreturn void load_client(struct load_tally *t, enum load_kind kind, uint32_t per_s)
{
	switch (kind) {
	case LOAD_BULK:
		run_all(t, BULK_THREADS, bulk_one);
	case LOAD_SHORTS:
		run_all(t, SHORT_THREADS, shorts_one);
	case LOAD_PINGPONG:
		pingpong(t);
	case LOAD_FLOOD:
		flood(t);
	default:
		paced(t, per_s);
	}
}
