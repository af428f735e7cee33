/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches the hook rules, and the tables with the kernel's part of the configuration: compares what
 * the kernel has with what the configuration needs. Main thread only.
 *
 * Reads the rules after each change of nf_tables, and from time to time for changes without a
 * notification. Changes no rule: finwall hook watch does, for which the daemon has no rights.
 */
#ifndef FINWALL_HOOK_WATCH_H
#define FINWALL_HOOK_WATCH_H

#include "wire/hook_seen.h"

#include <finwall/config.h>
#include <finwall/mono.h>
#include <finwall/ruleset.h>

#include <stdbool.h>
#include <stdint.h>

struct hook_reader;
struct log;

/* Zeroed before hook_watch_open(). */
struct hook_watch {
	struct log *log;
	struct hook_reader *reader; /* NULL: the rules cannot be read */
	int reader_error;           /* why, -errno */
	struct hook_wanted wanted;
	struct config_kernel kernel; /* of the configuration in force */
	bool is_on;                  /* the setting hook watch is not off */
	struct mono start;
	/* state */
	struct hook_seen seen;
	enum hook_fault fault;
	char text[HOOK_FAULT_TEXT_SIZE]; /* of the fault */
	struct mono read_at;
	struct mono polled_at;
	bool is_dirty;   /* rules may have changed */
	bool must_poll;  /* not all changes are notified */
	bool was_good;   /* packets have been queued since the start */
	bool has_gap;    /* packets may have passed unseen; the caller clears it */
	bool is_logged;  /* the fault is in the log */
	bool is_changed; /* since the last tick */
	uint64_t losses; /* how often packets were no longer queued */
};

/* Opens the sockets. If that fails, the fault is HOOK_FAULT_UNKNOWN. */
void hook_watch_open(struct hook_watch *w, struct log *log, struct mono now);
void hook_watch_close(struct hook_watch *w);

/*
 * At the start: the queues from own_first to own_first + own_len - 1 are the daemon's. Writes the
 * other queues that installed hook rules use, at most max, to extra, and returns their number.
 */
uint32_t hook_watch_extra(struct hook_watch *w, uint32_t own_first, uint32_t own_len,
                          uint16_t *extra, uint32_t max);

/* A configuration comes into force, and stays until the next one. Reads the rules at once. */
void hook_watch_require(struct hook_watch *w, const struct ruleset *rules, const struct config *c,
                        const struct tunables *tun, struct mono now);

/* -1: none. hook_watch_notified() when it is readable. */
int hook_watch_fd(const struct hook_watch *w);

/*
 * Rules have changed. Returns true if hook_watch_tick() is due at once, so that packets that nobody
 * judges are few; false right after a reading: many changes in a row are read together.
 */
bool hook_watch_notified(struct hook_watch *w, struct mono now);

/*
 * Reads the rules now, unless that was just done: for somebody who asks right after a change of
 * which there is no notification. The next hook_watch_tick() returns what has changed.
 */
void hook_watch_refresh(struct hook_watch *w, struct mono now);

/* Reads the rules if it is time to, and logs changes. Returns true if the fault or its text
 * changed. */
bool hook_watch_tick(struct hook_watch *w, struct mono now);

/* The line that the service manager shows. */
#define HOOK_STATUS_SIZE (HOOK_FAULT_TEXT_SIZE + 64)
void hook_watch_status(const struct hook_watch *w, char text[HOOK_STATUS_SIZE]);

/* Sends READY with that line. */
void hook_watch_notify_ready(const struct hook_watch *w);

#endif
