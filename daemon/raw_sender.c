/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Supervision of the raw packet sender. See raw_sender.h.
 */
#include "raw_sender.h"

#include "io/log.h"

#include <string.h>

/* The time between two starts, at least. */
#define RESTART_NS sec_to_ns(5)

/* True if a rule sends raw packets, or a setting that no chain replaces. */
static bool may_send_raw(const struct policy *p)
{
	static const enum rule_code by_rule[] = {
		RULE_REJECT,
		RULE_LATE_FIRST + LATE_REJECT,
		RULE_IDLE_FIRST + IDLE_RESET,
		RULE_IDLE_FIRST + IDLE_PROBE,
	};

	for (size_t i = 0; i < sizeof(by_rule) / sizeof(by_rule[0]); i++) {
		if (ruleset_has_result(p->rules, by_rule[i])) {
			return true;
		}
	}
	if (!ruleset_has_chain(p->rules, CHAIN_LATE) && p->tun.late_close == LATE_REJECT) {
		return true;
	}
	return !ruleset_has_chain(p->rules, CHAIN_IDLE) &&
	       (p->tun.on_idle == IDLE_RESET || p->tun.on_idle == IDLE_PROBE);
}

void raw_sender_require(struct raw_sender *s, const struct policy *p, struct mono now,
                        struct log *log)
{
	int err;

	if (s->raw.fd >= 0 || !may_send_raw(p)) {
		return;
	}
	err = rawsend_start(&s->raw, s->mark);
	s->started = now;
	if (err != 0) {
		log_write(log, LOG_LEVEL_WARNING,
		          "cannot send raw packets: %s; reject, idle reset and probe send nothing",
		          strerror(-err));
	}
}

void raw_sender_tick(struct raw_sender *s, struct mono now, struct log *log)
{
	int by_signal;
	int err;

	if (rawsend_has_ended(&s->raw, &by_signal)) {
		log_write(log, LOG_LEVEL_WARNING, "raw packet sender exited (signal %d)",
		          by_signal);
	}
	if (s->raw.fd < 0 || s->raw.pid != 0 || mono_diff(now, s->started) < RESTART_NS) {
		return;
	}
	s->started = now;
	err = rawsend_restart(&s->raw, s->mark);
	if (err != 0) {
		log_write(log, LOG_LEVEL_WARNING, "cannot restart the raw packet sender: %s",
		          strerror(-err));
		return;
	}
	s->restarts++;
	log_write(log, LOG_LEVEL_NOTICE, "raw packet sender restarted");
}

void raw_sender_stop(struct raw_sender *s)
{
	rawsend_stop(&s->raw);
}
