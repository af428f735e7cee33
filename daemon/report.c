/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports: events and failures out. See report.h.
 */
#include "report.h"

#include "event_sinks.h"
#include "event_text.h"
#include "generation.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "io/log.h"
#include "io/nfq_proc.h"
#include "wire/trace_text.h"

#include <inttypes.h>
#include <stdio.h>

/* Failures are logged at most this often. */
#define FAILURES_EVERY_NS sec_to_ns(10)

/* Records that are read from one ring before others have their turn: more than it can hold. */
#define WATCH_RECORDS_MAX (WATCH_RING_SIZE / WATCH_RING_ALIGN)

/* The counters that stay 0 in normal operation. */
static const enum nfq_count failures[] = {
	NFQ_COUNT_RECV_FAILS, NFQ_COUNT_SEND_FAILS,  NFQ_COUNT_VERDICTS_LOST, NFQ_COUNT_ERRORS,
	NFQ_COUNT_FOREIGN,    NFQ_COUNT_TRUNCATED,   NFQ_COUNT_MALFORMED,     NFQ_COUNT_UNUSABLE,
	NFQ_COUNT_RAW_LOST,   NFQ_COUNT_EVENTS_LOST,
};

/* A line for the log and for the other places; place: of the rule, "" = none. */
static void put_line(struct report *r, const struct worker_event *ev, struct mono now,
                     unsigned level, const char *text, const char *prefix, const char *iif,
                     const char *oif, const char *place)
{
	char line[EVENT_TEXT_SIZE + RULE_PLACE_SIZE];

	(void)snprintf(line, sizeof(line), place[0] != '\0' ? "%s rule=\"%s\"" : "%s", text, place);
	if (log_packet(r->log, now, level, line)) {
		event_sinks_line(r->sinks, level, line, ev, prefix, iif, oif, place);
	}
}

static void log_event(struct report *r, const struct worker_event *ev, struct mono now)
{
	const struct config *config = generations_config(r->generations, ev->generation);
	const struct packet_event *packet =
		ev->kind == WORKER_EVENT_COMPARE ? &ev->compare.packet : &ev->log;
	char iif_name[IFNAMSIZ] = "";
	char oif_name[IFNAMSIZ] = "";
	char text[EVENT_TEXT_SIZE];
	char place[RULE_PLACE_SIZE] = "";

	if (ev->kind == WORKER_EVENT_LATE && !r->logs_late) {
		return;
	}
	if (ev->kind != WORKER_EVENT_LATE) {
		(void)ifnames_get(r->ifnames, packet->iif, iif_name);
		(void)ifnames_get(r->ifnames, packet->oif, oif_name);
	}
	switch (ev->kind) {
	case WORKER_EVENT_LOG:
		event_text_log(packet, ruleset_log_prefix(packet->rules, packet->log_nr), iif_name,
		               oif_name, text);
		rule_place_text(config, ruleset_log_rule(packet->rules, packet->log_nr),
		                (enum base_chain)packet->hook, 0, place);
		put_line(r, ev, now, ruleset_log_level(packet->rules, packet->log_nr), text,
		         ruleset_log_prefix(packet->rules, packet->log_nr), iif_name, oif_name,
		         place);
		break;
	case WORKER_EVENT_LATE:
		event_text_late(&ev->late, text);
		rule_place_text(config, ev->late.rule_nr, CHAIN_LATE, ev->late.tuple.family, place);
		put_line(r, ev, now, LOG_LEVEL_INFO, text, "", "", "", place);
		break;
	case WORKER_EVENT_COMPARE:
		event_text_compare(&ev->compare, iif_name, oif_name, text);
		put_line(r, ev, now, LOG_LEVEL_WARNING, text, "", iif_name, oif_name, "");
		break;
	}
}

static void report_watched(struct report *r)
{
	for (uint32_t i = 0; i < r->watch->ports_len; i++) {
		struct watch_ring *ring = &r->watch->ports[i]->ring;
		const struct watch_record *record;
		const void *contents;

		for (unsigned n = 0;
		     n < WATCH_RECORDS_MAX && (record = watch_ring_peek(ring, &contents)) != NULL;
		     n++) {
			r->on_watch(r->ctx, record, contents);
			watch_ring_pop(ring);
		}
	}
}

void report_events(struct report *r)
{
	struct mono now = clock_now();

	for (uint32_t i = 0; i < r->workers->len; i++) {
		struct event_ring *ring = &r->workers->at[i].events;
		const struct worker_event *ev;

		/* At most one full ring, so that a flood does not block the main loop. */
		for (unsigned n = 0; n < EVENT_RING_LEN && (ev = event_ring_peek(ring)) != NULL;
		     n++) {
			log_event(r, ev, now);
			if (r->on_event != NULL) {
				r->on_event(r->ctx, ev);
			}
			event_ring_pop(ring);
		}
	}
	if (r->on_watch != NULL) {
		report_watched(r);
	}
}

/* Packets that the kernel dropped before the worker got them. The counters wrap. */
static void log_kernel_drops(struct report *r, struct worker *w)
{
	struct nfq_proc now;

	if (nfq_proc_read(w->queue, &now) != 0) {
		return;
	}
	if (now.dropped != w->proc_reported.dropped) {
		log_write(r->log, LOG_LEVEL_WARNING,
		          "queue %u: %" PRIu32 " packets dropped by the kernel because the queue "
		          "was full (queue length)",
		          w->queue, now.dropped - w->proc_reported.dropped);
	}
	if (now.user_dropped != w->proc_reported.user_dropped) {
		log_write(r->log, LOG_LEVEL_WARNING,
		          "queue %u: %" PRIu32 " packets dropped by the kernel because the receive "
		          "buffer was full (queue receive-buffer)",
		          w->queue, now.user_dropped - w->proc_reported.user_dropped);
	}
	w->proc_reported = now;
}

static void log_failures(struct report *r, struct worker *w)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		enum nfq_count c = failures[i];
		uint64_t now = stat_get(&w->nfq.count[c]);

		if (now != w->reported[c]) {
			log_write(r->log, LOG_LEVEL_WARNING, "queue %u: %" PRIu64 " %s (%s)",
			          w->queue, now - w->reported[c], nfq_count_name(c),
			          nfq_count_text(c));
			w->reported[c] = now;
		}
	}
	log_kernel_drops(r, w);
}

void report_failures(struct report *r)
{
	for (uint32_t i = 0; i < r->workers->len; i++) {
		log_failures(r, &r->workers->at[i]);
	}
}

void report_tick(struct report *r, struct mono now)
{
	report_events(r);
	event_sinks_report(r->sinks, now, r->log);
	if (mono_diff(now, r->failures_logged) >= FAILURES_EVERY_NS) {
		report_failures(r);
		r->failures_logged = now;
	}
}
