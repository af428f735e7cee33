/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection on the command line. See connection_key.h.
 */
#include "cmd/connection_key.h"

#include "text/addr.h"
#include "text/num.h"

#include <stdint.h>
#include <string.h>

static bool read_endpoint(const char *text, json_t *object, const char *addr_member,
                          const char *port_member);

bool connection_key_read(char *const words[3], json_t *key)
{
	return read_endpoint(words[1], key, "source", "source_port") &&
	       read_endpoint(words[2], key, "destination", "destination_port") &&
	       json_object_set_new(key, "protocol", json_string(words[0])) == 0;
}

bool connection_key_number(const char *text, json_t *key, const char *member)
{
	uint16_t n;

	return text_port(text, &n) && json_object_set_new(key, member, json_integer(n)) == 0;
}

static bool read_endpoint(const char *text, json_t *object, const char *addr_member,
                          const char *port_member)
{
	char addr[ADDR_TEXT_SIZE];
	struct text_endpoint e;

	if (!text_endpoint(text, strlen(text), &e)) {
		return false;
	}
	ip_text(e.addr.family, e.addr.bytes, addr);
	return json_object_set_new(object, addr_member, json_string(addr)) == 0 &&
	       (!e.has_port || json_object_set_new(object, port_member, json_integer(e.port)) == 0);
}
