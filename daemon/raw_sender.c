/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Supervision of the raw packet sender. See raw_sender.h.
 */
#include "raw_sender.h"

#include "io/log.h"

#include <string.h>

/* The time between two starts, at least. */
#define RESTART_NS sec_to_ns(5)

/* A setting, or a rule or the policy of a chain, sends packets. */
static bool may_send_raw(const struct policy *p)
{
	return p->tun.late_close == LATE_REJECT || p->tun.on_idle == IDLE_RESET ||
	       p->tun.on_idle == IDLE_PROBE || p->tun.unknown_windows == UNKNOWN_WINDOWS_PROBE ||
	       p->tun.late_close == LATE_VERIFY || p->tun.resurrect == RESURRECT_VERIFY ||
	       p->tun.verify_unknown == VERIFY_UNKNOWN_ON ||
	       ruleset_can_give(p->rules, CHAIN_INPUT, RULE_REJECT) ||
	       ruleset_can_give(p->rules, CHAIN_FORWARD, RULE_REJECT) ||
	       ruleset_can_give(p->rules, CHAIN_OUTPUT, RULE_REJECT) ||
	       ruleset_can_give(p->rules, CHAIN_LATE, RULE_LATE_FIRST + LATE_REJECT) ||
	       ruleset_can_give(p->rules, CHAIN_LATE, RULE_LATE_FIRST + LATE_VERIFY) ||
	       ruleset_can_give(p->rules, CHAIN_IDLE, RULE_IDLE_FIRST + IDLE_RESET) ||
	       ruleset_can_give(p->rules, CHAIN_IDLE, RULE_IDLE_FIRST + IDLE_PROBE);
}

void raw_sender_require(struct raw_sender *s, const struct policy *p, struct mono now,
                        struct log *log)
{
	if (may_send_raw(p)) {
		raw_sender_start(s, now, log);
	}
}

void raw_sender_start(struct raw_sender *s, struct mono now, struct log *log)
{
	int err;

	if (s->raw.fd >= 0) {
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
