/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as lines of text for people. Pure: names and prefixes are arguments.
 */
#ifndef FINWALL_EVENT_TEXT_H
#define FINWALL_EVENT_TEXT_H

#include "event_ring.h"

/* Bytes for any line below, prefix and NUL included; longer lines are cut. */
#define EVENT_TEXT_SIZE 512

/*
 * Writes one line without a newline. A logged packet has the format of the kernel's LOG target:
 * "PREFIX IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 ... PROTO=TCP SPT=1025 DPT=80 ... SYN".
 */
void event_text_log(const struct packet_event *ev, const char *prefix, const char *iif_name,
                    const char *oif_name, char out[EVENT_TEXT_SIZE]);
void event_text_late(const struct late_event *ev, char out[EVENT_TEXT_SIZE]);
void event_text_compare(const struct compare_event *ev, const char *iif_name, const char *oif_name,
                        char out[EVENT_TEXT_SIZE]);

/* Returns "SYN", "FIN" ... for an enum tcp_class. */
const char *event_text_class(unsigned class_nr);

#endif
