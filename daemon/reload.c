/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new configuration: load, check, compile, hand over. On any error the old one stays.
 *
 * The main thread publishes a generation to each worker; a worker takes it over between two batches
 * and says so. The old one is freed when all have, and after the events that point into its rules
 * have been drained: a worker's events come before its word that it moved on.
 */
#include "daemon.h"

#include "io/clock.h"
#include "io/cpus.h"
#include "io/file.h"
#include "io/ifname.h"
#include "io/log.h"
#include "io/mem.h"
#include "io/notify.h"
#include "sets.h"

#include "wire/hookmark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Settings that are looked at only at the start. */
static const struct {
	const char *name;
	size_t offset;
} fixed_settings[] = {
	{ "queue num", offsetof(struct settings, queue_num) },
	{ "queue count", offsetof(struct settings, queue_count) },
	{ "queue length", offsetof(struct settings, queue_len) },
	{ "queue receive-buffer", offsetof(struct settings, queue_rcvbuf_bytes) },
	{ "queue copy", offsetof(struct settings, queue_copy_bytes) },
	{ "queue on-absent", offsetof(struct settings, on_absent) },
	{ "queue on-overload", offsetof(struct settings, on_overload) },
	{ "queue spin", offsetof(struct settings, queue_spin_us) },
	{ "hook compare-kernel", offsetof(struct settings, compare_kernel) },
	{ "connections max", offsetof(struct settings, connections_max) },
	{ "connections remember-max", offsetof(struct settings, remember_max) },
	{ "connections prefault", offsetof(struct settings, prefault) },
};

static int make_counters(struct generation *g);
static void warn_of_fixed(const struct daemon *d, const struct settings *fresh);

int daemon_reload(struct daemon *d, char **errors)
{
	struct generation *fresh;

	notify_reloading(clock_now());
	fresh = generation_new(d, d->generation->policy.generation + 1, errors);
	if (fresh == NULL) {
		d->reloads_failed++;
		if (*errors != NULL) {
			log_lines(d->log, LOG_LEVEL_ERROR, *errors);
		}
		log_say(d->log, LOG_LEVEL_ERROR, "%s: not loaded, the old configuration stays",
		        d->config_path);
		notify_ready("Last reload failed, the old configuration stays");
		return *errors == NULL ? -ENOMEM : -EINVAL;
	}
	warn_of_fixed(d, config_settings(fresh->config));
	sets_tell_lost(d);
	generation_equip(d, fresh);
	fresh->older = d->generation;
	d->generation = fresh;
	d->control.policy = &fresh->policy;
	for (uint32_t i = 0; i < d->workers_len; i++) {
		atomic_store_explicit(&d->workers[i].wanted, fresh, memory_order_release);
	}
	d->reloads++;
	log_say(d->log, LOG_LEVEL_NOTICE, "%s: loaded, generation %" PRIu32, d->config_path,
	        fresh->policy.generation);
	notify_ready(daemon_status(d));
	return 0;
}

struct generation *generation_new(const struct daemon *d, uint32_t number, char **errors)
{
	struct generation *g = calloc(1, sizeof(*g));

	*errors = NULL;
	if (g == NULL) {
		return NULL;
	}
	g->raw = RAWSEND_NONE;
	g->config = config_load(d->config_path, &file_reader, errors);
	if (g->config == NULL) {
		goto fail;
	}
	g->policy.tun = *config_tunables(g->config);
	g->policy.generation = number;
	g->times_packets = config_settings(g->config)->queue_latency != 0;
	g->policy.rules = config_compile(g->config);
	g->workers_len = d->workers_len != 0
	                         ? d->workers_len
	                         : settings_queues(config_settings(g->config), cpus_allowed());
	if (g->policy.rules == NULL || make_counters(g) != 0) {
		goto fail;
	}
	mem_trim(); /* a long list was long to read */
	return g;

fail:
	generation_free(g);
	return NULL;
}

/* A setting, or a rule or the policy of a late or idle chain, has a policy that sends packets. */
static bool may_send_raw(const struct policy *p)
{
	return p->tun.late_close == LATE_REJECT || p->tun.on_idle == IDLE_RESET ||
	       p->tun.on_idle == IDLE_PROBE ||
	       ruleset_can_give(p->rules, CHAIN_LATE, RULE_LATE_FIRST + LATE_REJECT) ||
	       ruleset_can_give(p->rules, CHAIN_IDLE, RULE_IDLE_FIRST + IDLE_RESET) ||
	       ruleset_can_give(p->rules, CHAIN_IDLE, RULE_IDLE_FIRST + IDLE_PROBE);
}

void generation_equip(struct daemon *d, struct generation *g)
{
	ifnames_tell(d->ifnames, g->policy.rules);
	if (g->policy.tun.enforce == 0) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "%s: enforce off: every packet passes; what would have been dropped is "
		        "counted",
		        d->config_path);
	}
	if (d->raw.fd < 0 && may_send_raw(&g->policy)) {
		int err = rawsend_start(&d->raw, HOOKMARK_OWN);

		d->raw_started = clock_now();
		if (err != 0) {
			log_say(d->log, LOG_LEVEL_WARNING,
			        "cannot send raw packets: %s: reject, reset and probe of late and "
			        "idle "
			        "connections stay silent",
			        strerror(-err));
		}
	}
	g->raw = d->raw;
}

void generation_free(struct generation *g)
{
	if (g == NULL) {
		return;
	}
	generation_free(g->older);
	mem_unmap(g->counters_mem, g->counters_mem_size);
	free(g->counters);
	ruleset_free(g->policy.rules);
	config_free(g->config);
	free(g);
}

static bool all_moved_on(const struct daemon *d)
{
	for (uint32_t i = 0; i < d->workers_len; i++) {
		if (atomic_load_explicit(&d->workers[i].used, memory_order_acquire) !=
		    d->generation) {
			return false;
		}
	}
	return true;
}

void generation_retire(struct daemon *d)
{
	struct generation *old = d->generation->older;

	if (old == NULL || !all_moved_on(d)) {
		return;
	}
	housekeeping_drain_events(d);
	d->generation->older = NULL;
	generation_free(old);
	mem_trim();
}

/* Each worker counts on cache lines of its own. */
static int make_counters(struct generation *g)
{
	size_t one = (ruleset_counters_size(g->policy.rules) + 63) & ~(size_t)63;
	uint8_t *mem;

	g->counters = calloc(g->workers_len, sizeof(*g->counters));
	g->counters_mem_size = one * g->workers_len + 64; /* never 0 */
	g->counters_mem = mem_map(g->counters_mem_size);
	if (g->counters == NULL || g->counters_mem == NULL) {
		return -ENOMEM;
	}
	mem = g->counters_mem;
	for (uint32_t i = 0; i < g->workers_len; i++) {
		g->counters[i] = ruleset_counters_init(g->policy.rules, mem + i * one);
	}
	return 0;
}

static uint32_t setting_at(const struct settings *s, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)s + offset, sizeof(value));
	return value;
}

/* Says which changed settings wait for the next start. */
static void warn_of_fixed(const struct daemon *d, const struct settings *fresh)
{
	for (size_t i = 0; i < sizeof(fixed_settings) / sizeof(fixed_settings[0]); i++) {
		size_t offset = fixed_settings[i].offset;

		if (setting_at(&d->settings_at_start, offset) != setting_at(fresh, offset)) {
			log_say(d->log, LOG_LEVEL_WARNING,
			        "%s: the new value of %s is used from the next start on",
			        d->config_path, fixed_settings[i].name);
		}
	}
}
