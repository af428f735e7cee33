/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection on the command line, PROTO FROM TO, named as finwall list prints it.
 */
#ifndef FINWALL_CLI_CONNECTION_KEY_H
#define FINWALL_CLI_CONNECTION_KEY_H

#include <jansson.h>
#include <stdbool.h>

/* For the help text. */
#define CONNECTION_KEY_HELP                                                                        \
	"PROTO FROM TO  as finwall list prints them: tcp 192.0.2.1:40000 192.0.2.2:80,\n"          \
	"               udp [2001:db8::1]:5000 [2001:db8::2]:53\n"                                 \
	"--type, --id   ICMP query: type and identifier\n"

/* Adds the three words to an object in the form of flow_key_parse(). Returns false if one is wrong.
 */
bool connection_key_read(char *const words[3], json_t *key);

/* Adds a 16-bit number: type or identifier of an ICMP query. */
bool connection_key_number(const char *text, json_t *key, const char *member);

#endif
