/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of servers in text: "redis://10.0.0.5:6379,redis://[fd00::5]:6379,unix:/run/redis.sock".
 * Addresses only: a name would need a resolver, which may be behind this firewall.
 */
#ifndef FINWALL_TEXT_SERVER_H
#define FINWALL_TEXT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#define TEXT_SERVER_HOST_SIZE 48
#define TEXT_SERVER_PATH_SIZE 108  /* as of a UNIX socket */
#define TEXT_SERVER_PORT      6379 /* without a port */

struct text_server {
	char host[TEXT_SERVER_HOST_SIZE]; /* an address; "" = path */
	char path[TEXT_SERVER_PATH_SIZE];
	uint16_t port;
};

/* Reads the first server of *at, and moves it behind that and a comma. Returns false for anything
 * else; the end of the text is not a server. */
bool text_server_next(const char **at, struct text_server *out);

#endif
