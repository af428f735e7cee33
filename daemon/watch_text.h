/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of connections and rejected packets, as text and as JSON. Pure: names and the
 * configuration are arguments.
 */
#ifndef FINWALL_WATCH_TEXT_H
#define FINWALL_WATCH_TEXT_H

#include "watch.h"

#include <finwall/config.h>

#include <jansson.h>

/* Bytes for any line, NUL included. */
#define WATCH_TEXT_SIZE 1536

enum watch_format {
	WATCH_TEXT,      /* conntrack -E, and what it does not have */
	WATCH_CONNTRACK, /* conntrack -E only */
};

/* config: of the event's generation, NULL = gone. */
void watch_text_flow(const struct watch_flow *ev, const struct config *config,
                     enum watch_format format, char out[WATCH_TEXT_SIZE]);
void watch_text_reject(const struct watch_reject *ev, const struct config *config, const char *iif,
                       const char *oif, char out[WATCH_TEXT_SIZE]);

/* Return a new reference, or NULL when memory runs out. ifname: of the first packet. */
json_t *watch_json_flow(const struct watch_flow *ev, const struct config *config,
                        const char *ifname);
json_t *watch_json_reject(const struct watch_reject *ev, const struct config *config,
                          const char *iif, const char *oif);

#endif
