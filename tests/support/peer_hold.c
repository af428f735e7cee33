/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer listen, peer connect: idle connections, closed on command.
 *
 * One slot per address and port, one poll() over all of them and standard input.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum slot_state {
	SLOT_LISTENING,
	SLOT_CONNECTING,
	SLOT_OPEN,
	SLOT_CLOSED,
};

struct slot {
	const char *addr; /* as given on the command line */
	uint16_t port;
	enum slot_state state;
	int fd; /* -1 when closed */
};

struct hold {
	struct slot *slots;
	size_t slots_len;
	bool input_open;
	char line[128]; /* the start of the current line of standard input */
	size_t line_size;
};

enum close_how {
	CLOSE_FIN,
	CLOSE_RST,
};

static void hold_init(struct hold *h, int argc, char **argv);
static int hold_run(struct hold *h);
static void slot_ready(struct hold *h, struct slot *s);
static void slot_close(struct slot *s, enum close_how how);
static void slot_report(const struct slot *s, const char *what);
static void report_ready_if_all_open(const struct hold *h);
static void input_ready(struct hold *h);
static void command(struct hold *h, char *line);

int mode_listen(int argc, char **argv)
{
	struct hold h;

	hold_init(&h, argc, argv);
	for (size_t i = 0; i < h.slots_len; i++) {
		struct endpoint at = parse_endpoint(h.slots[i].addr, h.slots[i].port);

		h.slots[i].fd = listen_on(&at);
		h.slots[i].state = SLOT_LISTENING;
	}
	puts("ready");
	return hold_run(&h);
}

int mode_connect(int argc, char **argv)
{
	struct hold h;

	hold_init(&h, argc, argv);
	for (size_t i = 0; i < h.slots_len; i++) {
		struct slot *s = &h.slots[i];
		struct endpoint to = parse_endpoint(s->addr, s->port);

		s->state = SLOT_CONNECTING;
		s->fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (s->fd < 0) {
			die("socket");
		}
		if (connect(s->fd, &to.sa, to.size) && errno != EINPROGRESS) {
			die("connect to %s port %u", s->addr, s->port);
		}
	}
	return hold_run(&h);
}

static void hold_init(struct hold *h, int argc, char **argv)
{
	struct port_range ports = parse_ports(argv[0]);
	size_t ports_len = (size_t)(ports.last - ports.first) + 1;

	memset(h, 0, sizeof(*h));
	h->input_open = true;
	h->slots = calloc(ports_len * (size_t)(argc - 1), sizeof(h->slots[0]));
	if (!h->slots) {
		die("memory for %zu ports", ports_len);
	}
	for (int a = 1; a < argc; a++) {
		for (size_t p = 0; p < ports_len; p++) {
			struct slot *s = &h->slots[h->slots_len++];

			s->addr = argv[a];
			s->port = (uint16_t)(ports.first + p);
			s->fd = -1;
		}
	}
}

/* Runs until killed. poll() skips the negative descriptors of closed connections. */
static int hold_run(struct hold *h)
{
	struct pollfd *fds = calloc(h->slots_len + 1, sizeof(*fds));

	if (!fds) {
		die("memory for %zu connections", h->slots_len);
	}
	for (;;) {
		for (size_t i = 0; i < h->slots_len; i++) {
			fds[i].fd = h->slots[i].fd;
			fds[i].events = h->slots[i].state == SLOT_CONNECTING ? POLLOUT : POLLIN;
		}
		fds[h->slots_len].fd = h->input_open ? STDIN_FILENO : -1;
		fds[h->slots_len].events = POLLIN;
		if (poll(fds, h->slots_len + 1, -1) < 0) {
			die("poll");
		}
		for (size_t i = 0; i < h->slots_len; i++) {
			if (fds[i].revents) {
				slot_ready(h, &h->slots[i]);
			}
		}
		if (fds[h->slots_len].revents) {
			input_ready(h);
		}
	}
}

static void slot_failed(struct slot *s, int error)
{
	printf("error %s %u %s\n", s->addr, s->port, strerror(error));
	slot_close(s, CLOSE_FIN);
}

static void slot_accept(struct slot *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		slot_failed(s, errno);
		return;
	}
	close(s->fd); /* one connection per slot */
	s->fd = fd;
	s->state = SLOT_OPEN;
	slot_report(s, "open");
}

static void slot_connected(struct hold *h, struct slot *s)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		slot_failed(s, error);
		return;
	}
	s->state = SLOT_OPEN;
	slot_report(s, "open");
	report_ready_if_all_open(h);
}

static void slot_read(struct slot *s)
{
	char buf[4096];
	ssize_t n = recv(s->fd, buf, sizeof(buf), 0);

	if (n > 0) {
		slot_report(s, "data");
		return;
	}
	if (n == 0) {
		slot_report(s, "eof");
		slot_close(s, CLOSE_FIN);
		return;
	}
	if (errno == ECONNRESET) {
		slot_report(s, "reset");
		slot_close(s, CLOSE_FIN);
		return;
	}
	if (errno != EAGAIN && errno != EINTR) {
		slot_failed(s, errno);
	}
}

static void slot_ready(struct hold *h, struct slot *s)
{
	switch (s->state) {
	case SLOT_LISTENING:
		slot_accept(s);
		break;
	case SLOT_CONNECTING:
		slot_connected(h, s);
		break;
	case SLOT_OPEN:
		slot_read(s);
		break;
	case SLOT_CLOSED:
		break;
	}
}

static void slot_close(struct slot *s, enum close_how how)
{
	if (how == CLOSE_RST) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };

		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	close(s->fd);
	s->fd = -1;
	s->state = SLOT_CLOSED;
}

static void slot_report(const struct slot *s, const char *what)
{
	printf("%s %s %u\n", what, s->addr, s->port);
}

static void report_ready_if_all_open(const struct hold *h)
{
	for (size_t i = 0; i < h->slots_len; i++) {
		if (h->slots[i].state != SLOT_OPEN) {
			return;
		}
	}
	puts("ready");
}

static void input_ready(struct hold *h)
{
	size_t left = sizeof(h->line) - 1 - h->line_size;
	ssize_t n = read(STDIN_FILENO, h->line + h->line_size, left);
	char *end;

	if (n <= 0) {
		h->input_open = false;
		return;
	}
	h->line_size += (size_t)n;
	h->line[h->line_size] = '\0';
	while ((end = strchr(h->line, '\n'))) {
		*end++ = '\0';
		command(h, h->line);
		h->line_size -= (size_t)(end - h->line);
		memmove(h->line, end, h->line_size + 1);
	}
	if (h->line_size == sizeof(h->line) - 1) {
		die_usage("a command of more than %zu bytes", h->line_size);
	}
}

static void command(struct hold *h, char *line)
{
	char *space = strchr(line, ' ');
	struct port_range ports;
	bool is_data, is_rst;

	if (!space) {
		die_usage("\"%s\": want COMMAND PORTS", line);
	}
	*space = '\0';
	ports = parse_ports(space + 1);
	is_data = strcmp(line, "send") == 0;
	is_rst = strcmp(line, "rst") == 0;
	if (!is_data && !is_rst && strcmp(line, "fin") != 0) {
		die_usage("\"%s\": want send, fin or rst", line);
	}
	for (size_t i = 0; i < h->slots_len; i++) {
		struct slot *s = &h->slots[i];

		if (s->port < ports.first || s->port > ports.last || s->state != SLOT_OPEN) {
			continue;
		}
		if (!is_data) {
			slot_close(s, is_rst ? CLOSE_RST : CLOSE_FIN);
		} else if (send(s->fd, "x", 1, 0) != 1) {
			slot_failed(s, errno);
		}
	}
	printf("done %s\n", line);
}
