/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why packets of connections go to the queue where there is a kernel fast path, as the daemon
 * counts it: CountQueued.
 */
#ifndef FINWALL_CLI_QUEUED_H
#define FINWALL_CLI_QUEUED_H

#include <jansson.h>
#include <stddef.h>

/* Returns the parameters of the last reply, the caller's to release; NULL without an answer. */
json_t *queued_read(const char *socket_path);

/* Writes an element of its member `queued` as text: "12 connections, counter, original, inet filter
 * input /etc/finwall/finwall.conf:7". */
#define QUEUED_TEXT_SIZE 512
void queued_text(const json_t *row, char out[QUEUED_TEXT_SIZE]);

#endif
