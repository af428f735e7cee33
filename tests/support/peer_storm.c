/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer storm, answer: new connections at a constant rate, and the outcome of each. The rate does
 * not depend on earlier connections: a load that slows down when packets are lost would hide the
 * loss.
 *
 * A connection sends a byte, gets it back, and closes. Every eighth one then rests for a while and
 * does it again. The server is one non-blocking loop.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	EVENTS_LEN = 512,
	BURST_LEN = 64, /* connections started between two polls of the others */
};

/* A connection that takes longer has failed. */
#define PATIENCE_S 40.0
#define REST_S     1.5

/* connect() takes longer only when a SYN or SYN+ACK is retransmitted. */
#define SLOW_S 0.9

enum stage {
	STAGE_CONNECTING,
	STAGE_SENT, /* a byte was sent */
	STAGE_RESTING,
	STAGE_SENT_AGAIN,
	STAGES_LEN,
};

static const char *const stage_names[STAGES_LEN] = { "connecting", "answer", "rest", "answer2" };

enum outcome {
	OUTCOME_DONE,
	OUTCOME_TIMEOUT,
	OUTCOME_RESET,
	OUTCOME_ERROR,
	OUTCOMES_LEN,
};

static const char *const outcome_names[OUTCOMES_LEN] = { "done", "timeout", "reset", "error" };

struct conn {
	TAILQ_ENTRY(conn) by_age;
	TAILQ_ENTRY(conn) by_rest;
	double started;
	double rests_until;
	uint64_t nr;
	enum stage stage;
	int fd;
};

TAILQ_HEAD(conns, conn);

struct storm {
	/* set once */
	struct port_range ports;
	char **addrs;
	unsigned addrs_len;
	double rate;
	int epoll;
	/* results so far */
	uint64_t started;
	uint64_t refused_here; /* no local port or descriptor: nothing was sent */
	uint64_t slow;
	double slowest_s;
	uint64_t ended[OUTCOMES_LEN][STAGES_LEN];
	struct conns open;    /* oldest first */
	struct conns resting; /* oldest first */
};

static volatile sig_atomic_t must_end;

static void on_term(int nr)
{
	(void)nr;
	must_end = 1;
}

/* Raises the limit of descriptors to its maximum. */
static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void watch(int epoll, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = { .events = events, .data.ptr = ptr };

	if (epoll_ctl(epoll, op, fd, &ev) != 0) {
		die("epoll");
	}
}

static void end(struct storm *s, struct conn *c, enum outcome o, double now)
{
	if (o != OUTCOME_DONE) {
		fprintf(stderr, "storm: connection %llu of second %.1f: %s, %s, after %.3f s\n",
		        (unsigned long long)c->nr, (double)c->nr / s->rate, outcome_names[o],
		        stage_names[c->stage], now - c->started);
	}
	s->ended[o][c->stage]++;
	TAILQ_REMOVE(&s->open, c, by_age);
	if (c->stage == STAGE_RESTING) {
		TAILQ_REMOVE(&s->resting, c, by_rest);
	}
	close(c->fd);
	free(c);
}

static void start_one(struct storm *s, double now)
{
	uint64_t nr = s->started++;
	unsigned ports_len = (unsigned)(s->ports.last - s->ports.first) + 1;
	uint16_t port = (uint16_t)(s->ports.first + nr / s->addrs_len % ports_len);
	struct endpoint to = parse_endpoint(s->addrs[nr % s->addrs_len], port);
	struct conn *c = calloc(1, sizeof(*c));
	int fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (c == NULL) {
		die("memory");
	}
	if (fd < 0 || (connect(fd, &to.sa, to.size) != 0 && errno != EINPROGRESS)) {
		s->refused_here++;
		free(c);
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	*c = (struct conn){ .nr = nr, .fd = fd, .started = now };
	TAILQ_INSERT_TAIL(&s->open, c, by_age);
	watch(s->epoll, EPOLL_CTL_ADD, fd, EPOLLOUT, c);
}

/* Sends the byte. */
static void send_byte(struct storm *s, struct conn *c, enum stage next, double now)
{
	if (send(c->fd, "s", 1, MSG_NOSIGNAL) != 1) {
		end(s, c, OUTCOME_RESET, now);
		return;
	}
	c->stage = next;
	watch(s->epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static void connected(struct storm *s, struct conn *c, double now)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		end(s, c, error == ETIMEDOUT ? OUTCOME_TIMEOUT : OUTCOME_ERROR, now);
		return;
	}
	if (now - c->started > SLOW_S) {
		s->slow++;
		fprintf(stderr, "storm: connection %llu of second %.1f: slow, %.3f s\n",
		        (unsigned long long)c->nr, (double)c->nr / s->rate, now - c->started);
	}
	if (now - c->started > s->slowest_s) {
		s->slowest_s = now - c->started;
	}
	send_byte(s, c, STAGE_SENT, now);
}

static void answered(struct storm *s, struct conn *c, double now)
{
	char byte;

	if (recv(c->fd, &byte, 1, 0) != 1) {
		end(s, c, OUTCOME_RESET, now);
		return;
	}
	if (c->stage == STAGE_SENT_AGAIN || c->nr % 8 != 0) {
		end(s, c, OUTCOME_DONE, now);
		return;
	}
	c->stage = STAGE_RESTING;
	c->rests_until = now + REST_S;
	TAILQ_INSERT_TAIL(&s->resting, c, by_rest);
}

static void ready(struct storm *s, struct conn *c, double now)
{
	switch (c->stage) {
	case STAGE_CONNECTING:
		connected(s, c, now);
		break;
	case STAGE_SENT:
	case STAGE_SENT_AGAIN:
		answered(s, c, now);
		break;
	default: /* not polled */
		end(s, c, OUTCOME_RESET, now);
		break;
	}
}

/* Continues connections whose rest is over, and gives up those past their deadline. */
static void look_at_clock(struct storm *s, double now)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&s->resting)) != NULL && c->rests_until <= now) {
		TAILQ_REMOVE(&s->resting, c, by_rest);
		c->stage = STAGE_SENT_AGAIN;
		send_byte(s, c, STAGE_SENT_AGAIN, now);
	}
	while ((c = TAILQ_FIRST(&s->open)) != NULL && now - c->started > PATIENCE_S) {
		end(s, c, OUTCOME_TIMEOUT, now);
	}
}

static void run(struct storm *s, double seconds)
{
	struct epoll_event events[EVENTS_LEN];
	double begun = clock_s();
	double now;

	do {
		double until = must_end ? 0 : seconds;
		int len = epoll_wait(s->epoll, events, EVENTS_LEN, 1);

		now = clock_s();
		for (int i = 0; i < len; i++) {
			ready(s, events[i].data.ptr, now);
		}
		look_at_clock(s, now);
		for (unsigned n = 0; n < BURST_LEN && now - begun < until &&
		                     (double)s->started < (now - begun) * s->rate;
		     n++) {
			start_one(s, now);
		}
		if (until == 0) {
			seconds = 0;
		}
	} while (now - begun < seconds || !TAILQ_EMPTY(&s->open));
}

static void report(const struct storm *s)
{
	uint64_t done = 0;
	uint64_t failed = 0;

	for (unsigned stage = 0; stage < STAGES_LEN; stage++) {
		done += s->ended[OUTCOME_DONE][stage];
	}
	printf("{\"mode\":\"storm\",\"connections\":%llu,\"done\":%llu,\"refused_here\":%llu,"
	       "\"slow\":%llu,\"slowest_s\":%.3f",
	       (unsigned long long)s->started, (unsigned long long)done,
	       (unsigned long long)s->refused_here, (unsigned long long)s->slow, s->slowest_s);
	for (unsigned o = OUTCOME_DONE + 1; o < OUTCOMES_LEN; o++) {
		for (unsigned stage = 0; stage < STAGES_LEN; stage++) {
			failed += s->ended[o][stage];
			if (s->ended[o][stage] > 0) {
				printf(",\"%s_%s\":%llu", outcome_names[o], stage_names[stage],
				       (unsigned long long)s->ended[o][stage]);
			}
		}
	}
	printf(",\"failed\":%llu}\n", (unsigned long long)failed);
}

int mode_storm(int argc, char **argv)
{
	static struct storm s;
	double seconds;

	s.rate = (double)parse_count(argv[0], 1000000);
	seconds = (double)parse_count(argv[1], 1000000);
	s.ports = parse_ports(argv[2]);
	s.addrs = argv + 3;
	s.addrs_len = (unsigned)argc - 3;
	TAILQ_INIT(&s.open);
	TAILQ_INIT(&s.resting);
	signal(SIGTERM, on_term);
	raise_limit();
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s.epoll < 0) {
		die("epoll");
	}
	run(&s, seconds);
	report(&s);
	return s.ended[OUTCOME_DONE][STAGE_SENT] + s.ended[OUTCOME_DONE][STAGE_SENT_AGAIN] ==
	                       s.started
	               ? 0
	               : 1;
}

/* Sends back what was received; closes at end-of-file. */
static void echo_back(int fd)
{
	char bytes[64];
	ssize_t size = recv(fd, bytes, sizeof(bytes), 0);

	if (size > 0) {
		(void)send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(fd);
	}
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
			die("epoll");
		}
	}
}

int mode_answer(int argc, char **argv)
{
	struct port_range ports = parse_ports(argv[0]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int listeners_max = -1;

	raise_limit();
	/* The listening sockets are opened first, so they have the lowest descriptors. */
	for (int a = 1; a < argc; a++) {
		for (unsigned port = ports.first; port <= ports.last; port++) {
			struct endpoint at = parse_endpoint(argv[a], (uint16_t)port);
			int fd = listen_on(&at);
			struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

			if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || listen(fd, 65535) != 0 ||
			    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
				die("listen");
			}
			listeners_max = fd;
		}
	}
	puts("ready");
	for (;;) {
		struct epoll_event events[EVENTS_LEN];
		int len = epoll_wait(epoll, events, EVENTS_LEN, -1);

		for (int i = 0; i < len; i++) {
			if (events[i].data.fd <= listeners_max) {
				accept_all(epoll, events[i].data.fd);
			} else {
				echo_back(events[i].data.fd);
			}
		}
	}
}
