/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the main thread does some times a second: hand on the workers' events, free old generations,
 * tell the service manager that packets are still being answered, and people what went wrong.
 */
#include "ctl_cmd.h"
#include "daemon.h"
#include "import_conntrack.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "io/log.h"
#include "io/nfq_proc.h"
#include "io/notify.h"
#include "sets.h"
#include "state.h"
#include "wire/hookmark.h"

#include <finwall/stats.h>

#include <inttypes.h>
#include <string.h>

/* Troubles are told at most this often. */
#define TROUBLES_NS sec_to_ns(10)

/* The raw sender is started at most so often. */
#define RESTART_NS sec_to_ns(5)

/* Counters that are not supposed to move. */
static const enum nfq_count troubles[] = {
	NFQ_COUNT_RECV_FAILS, NFQ_COUNT_SEND_FAILS,   NFQ_COUNT_VERDICTS_LOST, NFQ_COUNT_ERRORS,
	NFQ_COUNT_FOREIGN,    NFQ_COUNT_TRUNCATED,    NFQ_COUNT_MALFORMED,     NFQ_COUNT_UNUSABLE,
	NFQ_COUNT_RAW_LOST,   NFQ_COUNT_REJECT_LOOPS, NFQ_COUNT_EVENTS_LOST,
};

static void hand_on(struct daemon *d, const struct event *ev, struct mono now);
static void look_after_sender(struct daemon *d, struct mono now);
static void feed_watchdog(struct daemon *d, struct mono now);
static void tell_troubles(struct daemon *d, struct worker *w);

void housekeeping_tick(struct daemon *d)
{
	struct mono now = clock_now();

	housekeeping_drain_events(d);
	generation_retire(d);
	sets_retire(d);
	look_after_sender(d, now);
	feed_watchdog(d, now);
	state_tick(d, now);
	import_tick(d);
	log_report(d->log, now);
	if (mono_diff(now, d->troubles_told) >= TROUBLES_NS) {
		housekeeping_tell_troubles(d);
		d->troubles_told = now;
	}
}

void housekeeping_tell_troubles(struct daemon *d)
{
	for (uint32_t i = 0; i < d->workers_len; i++) {
		tell_troubles(d, &d->workers[i]);
	}
}

void housekeeping_drain_events(struct daemon *d)
{
	struct mono now = clock_now();

	for (uint32_t i = 0; i < d->workers_len; i++) {
		struct event_ring *ring = &d->workers[i].events;
		const struct event *ev;

		/* At most one ring full: a flood must not keep the loop from its other work. */
		for (unsigned n = 0; n < EVENT_RING_LEN && (ev = event_peek(ring)) != NULL; n++) {
			hand_on(d, ev, now);
			event_pop(ring);
		}
	}
}

static void hand_on(struct daemon *d, const struct event *ev, struct mono now)
{
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	char text[EVENT_TEXT_SIZE];

	switch (ev->kind) {
	case EVENT_LOG:
		event_log_text(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		               ifnames_get(d->ifnames, ev->log.iif, iif_name),
		               ifnames_get(d->ifnames, ev->log.oif, oif_name), text);
		log_packet(d->log, now, ruleset_log_level(ev->log.rules, ev->log.log_nr), text);
		break;
	case EVENT_LATE:
		if (d->verbose != 0) {
			event_late_text(&ev->late, text);
			log_packet(d->log, now, LOG_LEVEL_INFO, text);
		}
		break;
	case EVENT_COMPARE:
		event_compare_text(&ev->compare,
		                   ifnames_get(d->ifnames, ev->compare.packet.iif, iif_name),
		                   ifnames_get(d->ifnames, ev->compare.packet.oif, oif_name), text);
		log_packet(d->log, now, LOG_LEVEL_WARNING, text);
		break;
	}
	ctl_tell_event(d, ev);
}

/* The raw sender has no reason to end; if it does, there is soon another one. */
static void look_after_sender(struct daemon *d, struct mono now)
{
	int by_signal;
	int err;

	if (rawsend_has_ended(&d->raw, &by_signal)) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "the sender of resets and keepalives ended (signal %d)", by_signal);
	}
	if (d->raw.fd < 0 || d->raw.pid != 0 || mono_diff(now, d->raw_started) < RESTART_NS) {
		return;
	}
	d->raw_started = now;
	err = rawsend_restart(&d->raw, HOOKMARK_OWN);
	if (err != 0) {
		log_say(d->log, LOG_LEVEL_WARNING, "cannot start it again: %s", strerror(-err));
		return;
	}
	d->raw_restarts++;
	log_say(d->log, LOG_LEVEL_NOTICE, "the sender of resets and keepalives runs again");
}

/*
 * The watchdog is fed by the packet path: only when every worker has turned since the last time.
 * A worker turns at least ten times a second, so one that hangs is noticed.
 */
static void feed_watchdog(struct daemon *d, struct mono now)
{
	if (d->watchdog_ns == 0 || mono_diff(now, d->watchdog_fed) < d->watchdog_ns / 4) {
		return;
	}
	for (uint32_t i = 0; i < d->workers_len; i++) {
		const struct worker *w = &d->workers[i];

		if (atomic_load_explicit(&w->turns, memory_order_relaxed) == w->turns_seen) {
			return;
		}
	}
	for (uint32_t i = 0; i < d->workers_len; i++) {
		struct worker *w = &d->workers[i];

		w->turns_seen = atomic_load_explicit(&w->turns, memory_order_relaxed);
	}
	notify_watchdog();
	d->watchdog_fed = now;
}

/* What the kernel lost on the way to us; it wraps, so only differences count. */
static void tell_kernel_losses(struct daemon *d, struct worker *w)
{
	struct nfq_proc now;

	if (nfq_proc_read(w->queue, &now) != 0) {
		return;
	}
	if (now.dropped != w->proc_reported.dropped) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "queue %u: %" PRIu32 " packets dropped by the kernel because the queue was "
		        "full (queue length)",
		        w->queue, now.dropped - w->proc_reported.dropped);
	}
	if (now.user_dropped != w->proc_reported.user_dropped) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "queue %u: %" PRIu32 " packets dropped by the kernel because the receive "
		        "buffer was full (queue receive-buffer)",
		        w->queue, now.user_dropped - w->proc_reported.user_dropped);
	}
	w->proc_reported = now;
}

static void tell_troubles(struct daemon *d, struct worker *w)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		enum nfq_count c = troubles[i];
		uint64_t now = stat_get(&w->nfq.count[c]);

		if (now != w->reported[c]) {
			log_say(d->log, LOG_LEVEL_WARNING, "queue %u: %" PRIu64 " %s (%s)",
			        w->queue, now - w->reported[c], nfq_count_name(c),
			        nfq_count_text(c));
			w->reported[c] = now;
		}
	}
	tell_kernel_losses(d, w);
}
