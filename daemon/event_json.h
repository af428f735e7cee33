/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as JSON objects. finwall(8) lists the members.
 */
#ifndef FINWALL_EVENT_JSON_H
#define FINWALL_EVENT_JSON_H

#include "event_ring.h"

#include <jansson.h>

/* Each returns a new reference, or NULL when memory runs out. */
json_t *event_json_log(const struct packet_event *ev, const char *prefix, const char *iif_name,
                       const char *oif_name);
json_t *event_json_late(const struct late_event *ev);
json_t *event_json_compare(const struct compare_event *ev, const char *iif_name,
                           const char *oif_name);

#endif
