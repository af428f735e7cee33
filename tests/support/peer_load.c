/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer serve, bulk, steady, short: transfers with a checksum and a rate.
 *
 * One server serves all modes: the first byte of a connection is the mode. `bulk`: 8 bytes of size,
 * then blocks that all differ; the server sends back their checksum. `steady`: no size; the last
 * block begins with 0. `short`: the server sends back one byte.
 */
#include "peer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	BLOCK_WORDS = 32 * 1024,
	BLOCK_SIZE = BLOCK_WORDS * 8,
	STALL_S = 20, /* a transfer without progress for so long has failed */
};

#define MIB (UINT64_C(1) << 20)

static void serve_one(int fd);
static bool bulk_receive(int fd);
static bool steady_receive(int fd);
static bool send_full(int fd, const void *data, size_t size);
static bool recv_full(int fd, void *data, size_t size);
static uint64_t sum_block(uint64_t sum, const uint64_t *words, size_t words_len);
static int connect_to(const struct endpoint *to);
static void set_stall_limit(int fd);

int mode_serve(int argc, char **argv)
{
	struct endpoint at = parse_endpoint(argv[0], (uint16_t)parse_count(argv[1], UINT16_MAX));
	int listener = listen_on(&at);

	(void)argc;
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			serve_one(fd);
			close(fd);
		}
	}
}

int mode_bulk(int argc, char **argv)
{
	struct endpoint to = parse_endpoint(argv[0], (uint16_t)parse_count(argv[1], UINT16_MAX));
	uint64_t size = parse_count(argv[2], UINT64_C(1) << 20) * MIB;
	uint64_t *block = malloc(BLOCK_SIZE);
	uint64_t sum = 0;
	uint64_t answer = 0;
	double started = clock_s();
	double took;
	bool whole;
	int fd = connect_to(&to);

	(void)argc;
	if (!block) {
		die("memory");
	}
	if (fd < 0) {
		die("connect to %s port %s", argv[0], argv[1]);
	}
	for (size_t i = 0; i < BLOCK_WORDS; i++) {
		block[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	}
	whole = send_full(fd, "b", 1) && send_full(fd, &size, sizeof(size));
	for (uint64_t left = size; whole && left > 0; left -= BLOCK_SIZE) {
		block[0] = left;
		sum = sum_block(sum, block, BLOCK_WORDS);
		whole = send_full(fd, block, BLOCK_SIZE);
	}
	whole = whole && recv_full(fd, &answer, sizeof(answer));
	took = clock_s() - started;
	close(fd);
	free(block);
	printf("{\"mode\":\"bulk\",\"bytes\":%llu,\"whole\":%s,\"same\":%s,\"seconds\":%.3f,"
	       "\"gbit_per_second\":%.3f}\n",
	       (unsigned long long)size, whole ? "true" : "false",
	       whole && answer == sum ? "true" : "false", took, (double)size * 8 / took / 1e9);
	return whole && answer == sum ? 0 : 1;
}

static volatile sig_atomic_t must_end;

static void on_term(int nr)
{
	(void)nr;
	must_end = 1;
}

int mode_steady(int argc, char **argv)
{
	struct endpoint to = parse_endpoint(argv[0], (uint16_t)parse_count(argv[1], UINT16_MAX));
	uint64_t speed = parse_count(argv[2], 1024) * MIB;
	uint64_t block[BLOCK_WORDS];
	uint64_t sum = 0;
	uint64_t answer = 0;
	uint64_t blocks_len = 0;
	struct sigaction term = { .sa_handler = on_term, .sa_flags = SA_RESTART };
	bool whole;
	int fd = connect_to(&to);

	(void)argc;
	if (fd < 0) {
		die("connect to %s port %s", argv[0], argv[1]);
	}
	sigaction(SIGTERM, &term, NULL);
	setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &speed, sizeof(speed));
	for (size_t i = 0; i < BLOCK_WORDS; i++) {
		block[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	}
	whole = send_full(fd, "u", 1);
	do {
		block[0] = must_end ? 0 : ++blocks_len;
		sum = sum_block(sum, block, BLOCK_WORDS);
		whole = whole && send_full(fd, block, BLOCK_SIZE);
	} while (whole && block[0] != 0);
	whole = whole && recv_full(fd, &answer, sizeof(answer));
	close(fd);
	printf("{\"mode\":\"steady\",\"bytes\":%llu,\"whole\":%s,\"same\":%s}\n",
	       (unsigned long long)((blocks_len + 1) * BLOCK_SIZE), whole ? "true" : "false",
	       whole && answer == sum ? "true" : "false");
	return whole && answer == sum ? 0 : 1;
}

/* One connection of `short`. Returns true when the byte came back. */
static bool short_once(const struct endpoint *to)
{
	char c = 's';
	int fd = connect_to(to);
	bool good;

	if (fd < 0) {
		return false;
	}
	good = send_full(fd, &c, 1) && recv_full(fd, &c, 1) && c == 's';
	close(fd);
	return good;
}

int mode_short(int argc, char **argv)
{
	struct endpoint to = parse_endpoint(argv[0], (uint16_t)parse_count(argv[1], UINT16_MAX));
	uint64_t count = parse_count(argv[2], 100000000);
	uint64_t failed = 0;
	double started = clock_s();
	double took;

	(void)argc;
	for (uint64_t i = 0; i < count; i++) {
		failed += !short_once(&to);
	}
	took = clock_s() - started;
	printf("{\"mode\":\"short\",\"connections\":%llu,\"failed\":%llu,\"seconds\":%.3f,"
	       "\"per_second\":%.1f}\n",
	       (unsigned long long)count, (unsigned long long)failed, took, (double)count / took);
	return failed ? 1 : 0;
}

/* A bulk transfer gets a process of its own, so that other connections do not wait for it. */
static void serve_one(int fd)
{
	char what;

	set_stall_limit(fd);
	if (!recv_full(fd, &what, 1)) {
		return;
	}
	if (what == 's') {
		send_full(fd, &what, 1);
		return;
	}
	if (what == 'b' && fork() == 0) {
		_exit(bulk_receive(fd) ? 0 : 1);
	}
	if (what == 'u' && fork() == 0) {
		_exit(steady_receive(fd) ? 0 : 1);
	}
}

static bool bulk_receive(int fd)
{
	uint64_t *block = malloc(BLOCK_SIZE);
	uint64_t sum = 0;
	uint64_t left;
	bool whole = block && recv_full(fd, &left, sizeof(left)) && left % BLOCK_SIZE == 0;

	for (; whole && left > 0; left -= BLOCK_SIZE) {
		whole = recv_full(fd, block, BLOCK_SIZE);
		sum = whole ? sum_block(sum, block, BLOCK_WORDS) : 0;
	}
	free(block);
	return whole && send_full(fd, &sum, sizeof(sum));
}

static bool steady_receive(int fd)
{
	uint64_t block[BLOCK_WORDS];
	uint64_t sum = 0;
	bool whole;

	do {
		whole = recv_full(fd, block, BLOCK_SIZE);
		sum = whole ? sum_block(sum, block, BLOCK_WORDS) : 0;
	} while (whole && block[0] != 0);
	return whole && send_full(fd, &sum, sizeof(sum));
}

static bool send_full(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = send(fd, p, size, 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static bool recv_full(int fd, void *data, size_t size)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = recv(fd, p, size, 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* The checksum depends on the order of the words. */
static uint64_t sum_block(uint64_t sum, const uint64_t *words, size_t words_len)
{
	for (size_t i = 0; i < words_len; i++) {
		sum = (sum << 1 | sum >> 63) + words[i];
	}
	return sum;
}

/* Returns a connected socket, or -1 with errno set. */
static int connect_to(const struct endpoint *to)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		return -1;
	}
	set_stall_limit(fd);
	if (connect(fd, &to->sa, to->size) == 0) {
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void set_stall_limit(int fd)
{
	struct timeval limit = { .tv_sec = STALL_S };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}
