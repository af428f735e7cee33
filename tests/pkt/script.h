/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a packet script, and the packets that they describe. pkt_script.c documents the
 * language.
 */
#ifndef FINWALL_TESTS_SCRIPT_H
#define FINWALL_TESTS_SCRIPT_H

#include "world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 64

/* One line, split into words; at[] points into the caller's buffer. */
struct words {
	const char *at[WORDS_MAX];
	size_t len;
	size_t next;
};

/* The two hosts, and storage for the bytes that a packet points to. */
struct script_net {
	uint8_t family;
	union ip_addr client;
	union ip_addr server;
	union ip_addr router;
	uint16_t client_port;
	uint16_t server_port;
	uint8_t opts[40];
	uint8_t quoted[128];
};

/* A packet as described by a line. */
struct script_packet {
	struct build build;
	enum hook hook;
	bool bad_checksum;
	long cap_size; /* bytes copied; -1 = all */
};

/* Prints file, line and error, and exits. */
void script_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The next word, or NULL; and the next word, which must exist. */
const char *words_peek(const struct words *w);
const char *words_next(struct words *w);
bool words_accept(struct words *w, const char *word);

/* A number, or a duration such as 1.5s, 300ms, 5d (in nanoseconds). */
uint32_t script_number(const char *word);
int64_t script_duration(const char *word);

/* Reads from the direction sign to a ":" or the end. */
void script_read_packet(struct words *w, struct script_net *net, struct script_packet *out);

/* The subject of an assertion: "tcp" (the default), "udp", "echo id N", "proto N". */
struct build script_subject(struct words *w, const struct script_net *net);

#endif
