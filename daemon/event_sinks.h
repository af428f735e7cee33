/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events go besides the daemon's log and the readers: journal, syslog, and files of packets
 * and of accounting (settings `events`). Main thread only. Nothing waits: what a socket or disk
 * does not take is lost and counted.
 */
#ifndef FINWALL_EVENT_SINKS_H
#define FINWALL_EVENT_SINKS_H

#include "watch.h"

#include <finwall/config.h>

#include <stdbool.h>
#include <stdint.h>

struct log;
struct record_file;
struct worker_event;
struct workers;

/* Zeroed at first but for fd, -1. */
struct event_sinks {
	int fd; /* for datagrams; -1 = not open */
	bool to_journal;
	bool to_syslog;
	struct record_file *packets;
	struct record_file *accounting;
	struct watcher *watcher; /* of what is made for the files only */
	uint32_t bit;            /* of it */
	bool waits;              /* for a place among the readers */
	struct watch *watch;     /* borrowed, as the next one */
	struct workers *workers;
	uint64_t lost; /* events since they were reported last */
	struct mono reported;
};

/* Takes the settings of a configuration that comes into force, and opens files again. Logs what
 * fails. */
void event_sinks_apply(struct event_sinks *s, const struct settings *settings, struct watch *watch,
                       struct workers *ws, struct log *log);

/* A line about a packet, with its event for the journal's fields. place: of the rule, "" = none. */
void event_sinks_line(struct event_sinks *s, unsigned level, const char *text,
                      const struct worker_event *ev, const char *prefix, const char *iif,
                      const char *oif, const char *place);

/* A record of the watch rings; config: of its generation, may be NULL. */
void event_sinks_record(struct event_sinks *s, const struct watch_record *record,
                        const void *contents, const struct config *config, const char *ifname);

/* Logs how many events were lost, at most every ten seconds. Tries again what found no place. */
void event_sinks_report(struct event_sinks *s, struct mono now, struct log *log);

/* Closes everything; the list of readers may be gone. */
void event_sinks_close(struct event_sinks *s);

#endif
