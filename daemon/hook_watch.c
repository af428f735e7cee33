/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches the hook rules. See hook_watch.h. */
#include "hook_watch.h"

#include "io/hook_read.h"
#include "io/log.h"
#include "io/notify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Between two readings: where changes have no notification, and where they have. */
#define POLL_NS     (300 * NSEC_PER_MSEC)
#define INTERVAL_NS (10 * NSEC_PER_SEC)

/* A notification so soon after a reading waits for the next tick. */
#define PAUSE_NS (50 * NSEC_PER_MSEC)

/* So old a reading is good enough for those who ask. */
#define REFRESH_NS (10 * NSEC_PER_MSEC)

/* After the start the hook rules follow; until then their absence is not logged. */
#define GRACE_NS (5 * NSEC_PER_SEC)

static bool read_rules(struct hook_watch *w, struct mono now);

void hook_watch_open(struct hook_watch *w, struct log *log, struct mono now)
{
	w->log = log;
	w->start = now;
	w->reader_error = hook_reader_open(&w->reader);
	w->wanted.has_family[SEEN_IPV4] = true;
	w->wanted.has_family[SEEN_IPV6] = access("/proc/sys/net/ipv6", F_OK) == 0;
}

void hook_watch_close(struct hook_watch *w)
{
	hook_reader_close(w->reader);
	w->reader = NULL;
}

uint32_t hook_watch_extra(struct hook_watch *w, uint32_t own_first, uint32_t own_len,
                          uint16_t *extra, uint32_t max)
{
	const uint32_t own_last = own_first + own_len - 1;
	uint32_t first = own_first;
	uint32_t last = own_last;
	uint32_t len = 0;

	w->wanted.queue_first = own_first;
	w->wanted.queue_last = own_last;
	if (w->reader == NULL || hook_read(w->reader, own_first, own_last, &w->seen) != 0) {
		return 0;
	}
	for (unsigned i = 0; i < SEEN_FAMILIES_LEN * HOOKS_LEN; i++) {
		const struct seen_hook *h = &w->seen.at[i / HOOKS_LEN][i % HOOKS_LEN];

		if (h->is_queued) {
			first = h->queue_first < first ? h->queue_first : first;
			last = h->queue_last > last ? h->queue_last : last;
		}
	}
	for (uint32_t q = first; q <= last && len < max; q++) {
		if ((q < own_first || q > own_last) && q < QUEUES_MAX) {
			extra[len++] = (uint16_t)q;
		}
	}
	return len;
}

void hook_watch_require(struct hook_watch *w, const struct ruleset *rules, const struct settings *s,
                        const struct tunables *tun, struct mono now)
{
	ruleset_hooks(rules, w->wanted.hooked);
	w->wanted.is_shadow = tun->enforce == 0;
	w->is_on = s->hook_watch != HOOK_WATCH_OFF;
	(void)read_rules(w, now);
}

int hook_watch_fd(const struct hook_watch *w)
{
	return w->reader != NULL ? hook_reader_fd(w->reader) : -1;
}

bool hook_watch_notified(struct hook_watch *w, struct mono now)
{
	hook_reader_drain(w->reader);
	w->is_dirty = true;
	return mono_diff(now, w->read_at) >= PAUSE_NS;
}

void hook_watch_refresh(struct hook_watch *w, struct mono now)
{
	if (w->is_on && mono_diff(now, w->read_at) >= REFRESH_NS) {
		w->is_changed |= read_rules(w, now);
	}
}

/* True if packets are not judged. */
static bool is_loss(enum hook_fault fault)
{
	return fault == HOOK_FAULT_MISSING || fault == HOOK_FAULT_BYPASSED;
}

/* Logs a fault, not before it can be expected to last, and its end. */
static void log_change(struct hook_watch *w, struct mono now)
{
	if (w->fault == HOOK_FAULT_NONE) {
		if (w->is_logged) {
			log_write(w->log, LOG_LEVEL_NOTICE, "the hook rules are installed");
		}
		w->is_logged = false;
		return;
	}
	if (w->is_logged || !w->is_on || (!w->was_good && mono_diff(now, w->start) < GRACE_NS)) {
		return;
	}
	log_write(w->log, LOG_LEVEL_WARNING, "%s%s", w->text,
	          w->fault == HOOK_FAULT_UNKNOWN ? ""
	                                         : "; finwall hook up installs the hook rules");
	w->is_logged = true;
}

bool hook_watch_tick(struct hook_watch *w, struct mono now)
{
	bool is_changed = w->is_changed;

	if (w->is_on && !w->must_poll && mono_diff(now, w->polled_at) >= POLL_NS) {
		/* iptables-legacy may have been used for the first time */
		w->must_poll = w->reader != NULL && hook_reader_must_poll(w->reader);
		w->is_dirty |= w->must_poll;
		w->polled_at = now;
	}
	if (w->is_on &&
	    (w->is_dirty || mono_diff(now, w->read_at) >= (w->must_poll ? POLL_NS : INTERVAL_NS))) {
		is_changed |= read_rules(w, now);
	}
	w->is_changed = false;
	log_change(w, now);
	return is_changed;
}

static bool read_rules(struct hook_watch *w, struct mono now)
{
	const enum hook_fault old = w->fault;
	char old_text[HOOK_FAULT_TEXT_SIZE];
	int err = w->reader_error;

	memcpy(old_text, w->text, sizeof(old_text));
	w->is_dirty = false;
	w->read_at = now;
	if (w->reader != NULL) {
		err = hook_read(w->reader, w->wanted.queue_first, w->wanted.queue_last, &w->seen);
		w->must_poll = hook_reader_must_poll(w->reader);
	}
	if (err != 0) {
		w->fault = HOOK_FAULT_UNKNOWN;
		(void)snprintf(w->text, sizeof(w->text), "the hook rules cannot be read: %s",
		               strerror(-err));
	} else {
		w->fault = hook_seen_check(&w->seen, &w->wanted, w->text);
	}
	if (old == w->fault && strcmp(old_text, w->text) == 0) {
		return false;
	}
	w->losses += w->was_good && is_loss(w->fault) && !is_loss(old) ? 1 : 0;
	w->has_gap |= w->was_good && is_loss(w->fault) != is_loss(old);
	w->was_good |= w->fault != HOOK_FAULT_UNKNOWN && !is_loss(w->fault);
	w->is_logged = w->is_logged && w->fault == HOOK_FAULT_NONE;
	return true;
}

void hook_watch_status(const struct hook_watch *w, char text[HOOK_STATUS_SIZE])
{
	const char *mode = w->wanted.is_shadow
	                           ? "Shadow mode: every packet is accepted (enforce off)"
	                           : "Filtering";

	if (!w->is_on || w->fault == HOOK_FAULT_NONE) {
		(void)snprintf(text, HOOK_STATUS_SIZE, "%s%s", mode,
		               w->is_on ? "" : "; the hook rules are not watched");
		return;
	}
	switch (w->fault) {
	case HOOK_FAULT_MISSING:
		mode = w->wanted.is_shadow ? "Shadow mode" : "Not filtering";
		break;
	case HOOK_FAULT_BYPASSED:
		mode = w->wanted.is_shadow ? "Shadow mode" : "Not filtering every packet";
		break;
	default:
		break;
	}
	(void)snprintf(text, HOOK_STATUS_SIZE, "%s: %s", mode, w->text);
}

void hook_watch_notify_ready(const struct hook_watch *w)
{
	char status[HOOK_STATUS_SIZE];

	hook_watch_status(w, status);
	notify_ready(status);
}
