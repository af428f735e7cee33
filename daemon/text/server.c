/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of servers. See server.h. */
#include "server.h"

#include "addr.h"

#include <stddef.h>
#include <string.h>

#define REDIS_WORD "redis://"
#define UNIX_WORD  "unix:"

static bool copy(char *to, size_t to_size, const char *from, size_t size)
{
	if (size == 0 || size >= to_size) {
		return false;
	}
	memcpy(to, from, size);
	to[size] = '\0';
	return true;
}

static bool read_host(const char *text, size_t size, struct text_server *out)
{
	struct text_endpoint end;
	char host[ADDR_TEXT_SIZE];

	if (!text_endpoint(text, size, &end) || (end.has_port && end.port == 0)) {
		return false;
	}
	(void)ip_text(end.addr.family, end.addr.bytes, host);
	out->port = end.has_port ? end.port : TEXT_SERVER_PORT;
	return copy(out->host, sizeof(out->host), host, strlen(host));
}

bool text_server_next(const char **at, struct text_server *out)
{
	const char *end = strchrnul(*at, ',');
	const char *from = *at;
	bool is_right = false;

	*out = (struct text_server){ .port = 0 };
	if (strncmp(from, REDIS_WORD, strlen(REDIS_WORD)) == 0) {
		from += strlen(REDIS_WORD);
		is_right = read_host(from, (size_t)(end - from), out);
	} else if (strncmp(from, UNIX_WORD, strlen(UNIX_WORD)) == 0) {
		from += strlen(UNIX_WORD);
		is_right = *from == '/' &&
		           copy(out->path, sizeof(out->path), from, (size_t)(end - from));
	}
	/* nothing behind a comma is not a server */
	*at = *end == ',' ? end + 1 : end;
	return is_right && (*end == '\0' || end[1] != '\0');
}
