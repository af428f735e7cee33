/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the modes of the test tool `peer`; see peer.c for its usage.
 */
#ifndef FINWALL_TESTS_PEER_H
#define FINWALL_TESTS_PEER_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address with a port, of either family. */
struct endpoint {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t size;
};

/* Inclusive. */
struct port_range {
	uint16_t first;
	uint16_t last;
};

/* Prints "peer: ..." to standard error and ends the program with status 2 (usage). */
void die_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Prints "peer: ...: errno's text" to standard error and ends the program with status 1. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Each ends the program with a message when the text is invalid. */
uint64_t parse_count(const char *text, uint64_t max);
struct endpoint parse_endpoint(const char *addr, uint16_t port);
struct port_range parse_ports(const char *text);

/* Returns a listening socket, or ends the program. */
int listen_on(const struct endpoint *at);

/* Seconds of CLOCK_MONOTONIC. */
double clock_s(void);

/* The sum of the big-endian 16-bit words; size is even. */
static inline uint32_t inet_sum(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2) {
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	}
	return sum;
}

/* The checksum of a header, in network order, from the sum of its words. */
static inline uint16_t inet_checksum(uint32_t sum)
{
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return htons((uint16_t)~sum);
}

/* splitmix64 (S. Vigna): every seed is good. */
static inline uint64_t rnd_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The modes: argv begins after the mode's name. Each returns the program's exit status. */
int mode_listen(int argc, char **argv);
int mode_connect(int argc, char **argv);
int mode_scan(int argc, char **argv);
int mode_serve(int argc, char **argv);
int mode_bulk(int argc, char **argv);
int mode_short(int argc, char **argv);
int mode_steady(int argc, char **argv);
int mode_storm(int argc, char **argv);
int mode_answer(int argc, char **argv);
int mode_flood(int argc, char **argv);
int mode_wire(int argc, char **argv);

#endif
