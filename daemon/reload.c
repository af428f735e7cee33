/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the configuration again, its confirmation, and the return to the one before.
 */
#include "reload.h"

#include "cluster/cluster.h"
#include "control/control.h"
#include "fixed_settings.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "io/log.h"
#include "io/notify.h"
#include "metrics/metrics.h"
#include "running.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void reload_put_in_force(struct daemon *d, struct generation *g)
{
	ifnames_apply(d->ifnames, g->shared.policy.rules);
	route_watch_require(&d->route_watch, g->shared.policy.rules);
	if (g->shared.policy.tun.enforce == 0) {
		log_write(d->log, LOG_LEVEL_WARNING,
		          "%s: enforce off: every packet is accepted, drops are only counted",
		          d->options.config_path);
	}
	raw_sender_require(&d->raw_sender, &g->shared.policy, clock_now(), d->log);
	g->shared.raw = d->raw_sender.raw;
	g->shared.limits = &d->raw_sender.limits;
	d->engine_worker.policy = &g->shared.policy;
	cluster_apply(d->cluster, &g->shared.policy, g->config);
	hook_watch_require(&d->hook_watch, g->shared.policy.rules, g->config, &g->shared.policy.tun,
	                   clock_now());
}

/*
 * Writes what of a new configuration is the kernel's without being of its kind, and what is not in
 * force yet: settings for the next start or the next
 * hook rules, and hooks that are not queued. Hook rules that a finwall hook watch renews are left
 * out. Returns malloc'd lines, NULL if memory ran out.
 */
static char *find_warnings(const struct daemon *d, const struct settings *old,
                           const struct config *c)
{
	const struct settings *fresh = config_settings(c);
	const bool is_renewed =
		fresh->hook_watch == HOOK_WATCH_RESTORE && control_hook_watchers(d->control) > 0;
	struct config_kernel kernel;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL) {
		return NULL;
	}
	config_kernel(c, &kernel);
	for (size_t i = 0; i < kernel.given_len; i++) {
		(void)fprintf(to, "%s\n", kernel.given[i]);
	}
	fixed_settings_check(&d->settings_at_start, fresh, to);
	if (!is_renewed) {
		hook_settings_check(old, fresh, to);
	}
	if (!is_renewed && d->hook_watch.is_on && d->hook_watch.fault != HOOK_FAULT_NONE) {
		(void)fprintf(to, "%s; finwall hook up %s\n", d->hook_watch.text,
		              d->hook_watch.fault == HOOK_FAULT_KERNEL ||
		                              d->hook_watch.fault == HOOK_FAULT_TAKEN
		                      ? "loads it"
		                      : "installs the hook rules");
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Beside the workers, those that follow a configuration in force. */
static void apply_settings(struct daemon *d, const struct generation *g)
{
	const struct settings *s = generation_settings(g);

	event_sinks_apply(&d->sinks, s, &d->watch, &d->workers, d->log);
	metrics_apply(d->metrics, s, clock_now());
	fast_path_publish(&d->fast_path, s, &g->shared.policy.tun);
}

/* Why a reload is refused, malloc'd. */
static char *waits_text(const struct daemon *d)
{
	char *text = NULL;

	if (asprintf(&text,
	             "the configuration in force waits for its confirmation, %" PRId64
	             " s are left: finwall confirm, or finwall reload --confirm\n",
	             (reload_confirm_left((void *)(uintptr_t)d) + NSEC_PER_SEC - 1) /
	                     NSEC_PER_SEC) < 0) {
		return NULL;
	}
	return text;
}

bool reload_confirm(void *ctx)
{
	struct daemon *d = ctx;

	if (d->generations.kept == NULL) {
		return false;
	}
	generations_confirm(&d->generations);
	log_write(d->log, LOG_LEVEL_NOTICE, "generation %" PRIu32 " confirmed",
	          d->generations.current->shared.policy.generation);
	hook_watch_notify_ready(&d->hook_watch);
	return true;
}

int64_t reload_confirm_left(void *ctx)
{
	const struct daemon *d = ctx;
	int64_t left = mono_diff(d->confirm_end, clock_now());

	return d->generations.kept == NULL ? 0 : left > 1 ? left : 1;
}

/* Not confirmed in time. The file stays as it is. */
static void revert(struct daemon *d)
{
	const struct generation *rejected = d->generations.current;
	struct generation *kept = d->generations.kept;

	notify_reloading(clock_now());
	set_changes_log_discarded(rejected->config, d->log);
	reload_put_in_force(d, kept);
	generations_revert(&d->generations, &d->workers);
	apply_settings(d, kept);
	log_write(d->log, LOG_LEVEL_WARNING,
	          "generation %" PRIu32 " was not confirmed: generation %" PRIu32
	          " is in force again; %s still has the other one",
	          rejected->shared.policy.generation, kept->shared.policy.generation,
	          d->options.config_path);
	hook_watch_notify_ready(&d->hook_watch);
	control_hooks_changed(d->control);
}

int reload_configuration(void *ctx, uint32_t confirm_s, char **errors, char **warnings)
{
	struct daemon *d = ctx;
	const struct generation *old = d->generations.current;
	const char *path = d->options.config_path;
	struct generation *fresh = NULL;

	*warnings = NULL;
	notify_reloading(clock_now());
	if (d->generations.kept != NULL && confirm_s == 0) {
		*errors = waits_text(d);
	} else if (generation_check(path, d->workers.len, errors) == 0) {
		fresh = generation_load(path, d->generation_last + 1, d->workers.len, old->config,
		                        confirm_s != 0, errors);
	}
	if (fresh == NULL) {
		d->reloads.failed++;
		if (*errors != NULL) {
			log_lines(d->log, LOG_LEVEL_ERROR, *errors);
		}
		log_write(d->log, LOG_LEVEL_ERROR,
		          "%s: not loaded, the previous configuration stays in force", path);
		notify_ready("Last reload failed, the previous configuration stays in force");
		return *errors == NULL ? -ENOMEM : -EINVAL;
	}
	set_changes_log_discarded(old->config, d->log);
	reload_put_in_force(d, fresh);
	*warnings = find_warnings(d, generation_settings(old), fresh->config);
	if (*warnings != NULL) {
		log_lines(d->log, LOG_LEVEL_WARNING, *warnings);
	}
	generations_publish(&d->generations, fresh, &d->workers);
	apply_settings(d, fresh);
	d->generation_last++;
	d->reloads.done++;
	log_write(d->log, LOG_LEVEL_NOTICE, "%s: loaded, generation %" PRIu32, path,
	          fresh->shared.policy.generation);
	if (confirm_s != 0) {
		generations_keep(&d->generations);
		d->confirm_end = mono_add(clock_now(), sec_to_ns(confirm_s));
		log_write(d->log, LOG_LEVEL_NOTICE,
		          "generation %" PRIu32 " is in force for %" PRIu32
		          " s, until finwall confirm",
		          fresh->shared.policy.generation, confirm_s);
	}
	hook_watch_notify_ready(&d->hook_watch);
	control_hooks_changed(d->control);
	return 0;
}

void reload_tick(struct daemon *d, struct mono now)
{
	if (d->generations.kept != NULL && mono_is_due(d->confirm_end, now)) {
		revert(d);
	}
}
