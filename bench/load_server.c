/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server process: a thread per kind of traffic, and one per long connection.
 */
#include "clock.h"
#include "load.h"
#include "load_datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_SIZE (256 * 1024)
#define UDP_BATCH    64

/* One datagram in so many is answered: prime, so that each of the client's sockets gets answers. */
#define UDP_ANSWERED 61
#define RCVBUF_BYTES (64 << 20)

struct connection {
	struct load_counters *counters;
	int fd;
};

static _Noreturn void fail(void)
{
	_exit(1);
}

static void spawn(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, arg) != 0) {
		fail();
	}
	pthread_attr_destroy(&attr);
}

static int open_port(int type, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int on = 1;
	int rcvbuf = RCVBUF_BYTES;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		fail();
	}
	if (type == SOCK_STREAM && listen(fd, 1024) != 0) {
		fail();
	}
	if (type == SOCK_DGRAM) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf));
	}
	return fd;
}

static void *discard(void *arg)
{
	struct connection *g = arg;
	char *buf = malloc(DISCARD_SIZE);
	ssize_t got;

	/* MSG_TRUNC: the kernel discards the bytes without copying them. */
	while (buf != NULL && (got = recv(g->fd, buf, DISCARD_SIZE, MSG_TRUNC)) > 0) {
		atomic_fetch_add_explicit(&g->counters->bulk_bytes, (uint64_t)got,
		                          memory_order_relaxed);
	}
	free(buf);
	(void)close(g->fd);
	free(g);
	return NULL;
}

static void *echo(void *arg)
{
	struct connection *g = arg;
	int on = 1;
	char byte;

	(void)setsockopt(g->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (recv(g->fd, &byte, 1, 0) == 1 && send(g->fd, &byte, 1, MSG_NOSIGNAL) == 1) {
	}
	(void)close(g->fd);
	free(g);
	return NULL;
}

static void accept_all(struct load_counters *t, uint16_t port, void *(*serve)(void *))
{
	int fd = open_port(SOCK_STREAM, port);

	for (;;) {
		int conn_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		struct connection *g = malloc(sizeof(*g));

		if (conn_fd < 0 || g == NULL) {
			free(g);
			continue;
		}
		*g = (struct connection){ t, conn_fd };
		spawn(serve, g);
	}
}

static void *bulk_main(void *arg)
{
	accept_all(arg, LOAD_PORT_BULK, discard);
	return NULL;
}

static void *echo_main(void *arg)
{
	accept_all(arg, LOAD_PORT_ECHO, echo);
	return NULL;
}

/*
 * One byte in, one byte out; the server closes after the client. Connections are served one after
 * the other.
 */
static void *connect_main(void *arg)
{
	int fd = open_port(SOCK_STREAM, LOAD_PORT_CONNECT);

	(void)arg;
	for (;;) {
		int conn_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		struct timeval timeout = { .tv_sec = 1 };
		char byte;

		if (conn_fd < 0) {
			continue;
		}
		(void)setsockopt(conn_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		if (recv(conn_fd, &byte, 1, 0) == 1) {
			(void)send(conn_fd, &byte, 1, MSG_NOSIGNAL);
		}
		(void)close(conn_fd);
	}
	return NULL;
}

static void store_time(struct load_counters *t, const struct load_datagram *d, uint64_t now_ns)
{
	uint64_t nr;

	if (d->due_ns == 0) {
		return;
	}
	nr = atomic_fetch_add_explicit(&t->times_len, 1, memory_order_relaxed);
	if (nr < LOAD_TIMES_MAX) {
		uint64_t took_ns = now_ns - d->due_ns;

		t->time_ns[nr] = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX;
	}
}

static _Noreturn void receive_datagrams(struct load_counters *t)
{
	static struct load_datagram datagram[UDP_BATCH];
	struct mmsghdr msg[UDP_BATCH] = { 0 };
	struct iovec iov[UDP_BATCH];
	struct sockaddr_in from[UDP_BATCH];
	int fd = open_port(SOCK_DGRAM, LOAD_PORT_UDP);
	uint32_t seen = 0;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		iov[i] = (struct iovec){ &datagram[i], sizeof(datagram[i]) };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		msg[i].msg_hdr.msg_name = &from[i];
		msg[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	load_set_realtime();
	atomic_store(&t->server_ready, 1);
	for (;;) {
		int len = recvmmsg(fd, msg, UDP_BATCH, MSG_WAITFORONE, NULL);
		uint64_t now_ns = clock_ns();

		for (int i = 0; i < len; i++) {
			store_time(t, &datagram[i], now_ns);
			/* So that a tracker sees both directions. */
			if (seen++ % UDP_ANSWERED == 0) {
				(void)sendto(fd, "", 1, MSG_DONTWAIT, (struct sockaddr *)&from[i],
				             sizeof(from[i]));
			}
		}
		if (len > 0) {
			atomic_fetch_add_explicit(&t->udp_datagrams, (uint64_t)len,
			                          memory_order_relaxed);
		}
	}
}

_Noreturn void load_server_main(struct load_counters *t)
{
	spawn(bulk_main, t);
	spawn(echo_main, t);
	spawn(connect_main, t);
	receive_datagrams(t);
}
