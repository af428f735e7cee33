/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics of a running daemon, as the settings block `metrics` asks for: over HTTP on loopback
 * or a UNIX socket, and as a file for node_exporter. Main thread only.
 */
#ifndef FINWALL_METRICS_H
#define FINWALL_METRICS_H

#include "collect.h"

#include <event2/event.h>

struct log;
struct metrics;
struct settings;

/* Returns NULL when memory ran out. base, log and what from names are borrowed until
 * metrics_free(). Serves nothing before metrics_apply(). */
struct metrics *metrics_new(struct event_base *base, struct log *log,
                            const struct metrics_sources *from);

/* Closes the sockets; the file stays. NULL is fine. */
void metrics_free(struct metrics *m);

/* A configuration comes into force. A socket that cannot be opened is logged and tried again by
 * metrics_tick(). NULL is fine. */
void metrics_apply(struct metrics *m, const struct settings *s, struct mono now);

/* Writes the file when it is time to. NULL is fine. */
void metrics_tick(struct metrics *m, struct mono now);

#endif
