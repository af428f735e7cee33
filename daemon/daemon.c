/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's life: start, loop, stop (reload.c: reload). With main.c and reload.c the only
 * file that knows every module; no module calls back into it but by the callbacks that it passes at
 * the start.
 *
 * Two orders matter. Queues are bound before READY is sent, because the hook rules that feed them
 * follow it. At the stop the kernel queues no more packets, and waiting packets get a verdict,
 * before a queue is unbound; if the service manager stores its socket, packets wait for the next
 * process instead.
 */
#include "daemon.h"

#include "cluster/cluster.h"
#include "control/control.h"
#include "fast_path.h"
#include "hook_watch.h"
#include "io/background.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/ifname.h"
#include "io/log.h"
#include "io/mem.h"
#include "io/notify.h"
#include "least_rights.h"
#include "metrics/metrics.h"
#include "prefault.h"
#include "queues.h"
#include "raw_sender.h"
#include "reload.h"
#include "running.h"
#include "set_changes.h"
#include "state/import_conntrack.h"
#include "state/state.h"
#include "watchdog.h"
#include "workers.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* The main thread's periodic work. */
#define TICK_USEC 100000

/* With several workers: few enough collisions of their locks. */
#define SHARDS_PER_WORKER 4

static enum exit_code start(struct daemon *d);
/* Chains of finwall's hooks that the kernel judges are a surprise to people. */
static void log_given(struct log *log, const struct config *c)
{
	struct config_kernel kernel;

	config_kernel(c, &kernel);
	for (size_t i = 0; i < kernel.given_len; i++) {
		log_write(log, LOG_LEVEL_WARNING, "%s", kernel.given[i]);
	}
}

static enum exit_code load_first(struct daemon *d);
static int make_engine(struct daemon *d);
static int make_sources(struct daemon *d);
static void set_up_modules(struct daemon *d);
static void fill_table(struct daemon *d, uint32_t queues_adopted);
static struct least_rights choose_rights(const struct daemon *d, const struct settings *s);
static int start_threads(struct daemon *d);
static int start_cluster(struct daemon *d, const struct settings *s);
static struct older *list_older(struct daemon *d);
static const char *socket_path(const struct daemon *d);
static int open_control(struct daemon *d);
static int open_metrics(struct daemon *d);
static void loop(struct daemon *d);
static void stop(struct daemon *d);

enum exit_code daemon_run(const struct daemon_options *options)
{
	/* Static: the main thread's counters alone are larger than a stack frame should be. */
	static struct daemon d;
	enum exit_code code;

	d.options = *options;
	d.raw_sender = RAW_SENDER_NONE;
	d.sinks.fd = -1;
	d.start = clock_now();
	code = start(&d);
	if (code == EXIT_OK) {
		loop(&d);
	}
	stop(&d);
	return code;
}

enum exit_code daemon_check(const char *config_path)
{
	char *errors = NULL;
	struct config *c = config_load(config_path, &file_reader, &errors);
	struct config_kernel kernel;
	struct ruleset *rs;

	if (c == NULL) {
		(void)fputs(errors == NULL ? "finwalld: out of memory\n" : errors, stderr);
		free(errors);
		return EXIT_BAD_CONFIG;
	}
	if (cluster_problem(config_settings(c)) != NULL) {
		(void)fprintf(stderr, "%s: %s\n", config_path, cluster_problem(config_settings(c)));
		config_free(c);
		return EXIT_BAD_CONFIG;
	}
	rs = config_compile(c);
	config_kernel(c, &kernel);
	if (rs != NULL && kernel.hash != 0) {
		(void)printf("%s: %" PRIu32 " chain%s judged here, %" PRIu32
		             " handed to the kernel\n",
		             config_path, kernel.own_chains, kernel.own_chains == 1 ? "" : "s",
		             kernel.kernel_chains);
	}
	for (size_t i = 0; rs != NULL && i < kernel.given_len; i++) {
		(void)printf("%s\n", kernel.given[i]);
	}
	config_free(c);
	if (rs == NULL) {
		(void)fputs("finwalld: out of memory\n", stderr);
		return EXIT_CANNOT_RUN;
	}
	ruleset_free(rs);
	return EXIT_OK;
}

static enum exit_code start(struct daemon *d)
{
	struct workers_params params = { .start = d->start };
	const struct settings *s;
	struct least_rights rights;
	uint32_t queues_adopted;
	enum exit_code code;
	int err;

	d->log = log_new();
	d->base = event_base_new();
	if (d->log == NULL || d->base == NULL) {
		return EXIT_CANNOT_RUN;
	}
	code = load_first(d);
	if (code != EXIT_OK) {
		return code;
	}
	err = ifnames_open(&d->ifnames);
	if (err != 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "cannot list the network interfaces: %s",
		          strerror(-err));
		return EXIT_CANNOT_RUN;
	}
	route_watch_open(&d->route_watch, d->log, &d->set_changes, &d->workers);
	d->raw_sender.mark = d->settings_at_start.hook_mark;
	d->raw_sender.mask = d->settings_at_start.hook_mark_mask;
	reload_put_in_force(d, d->generations.current);
	s = generation_settings(d->generations.current);
	if (make_engine(d) != 0 ||
	    queues_open(&d->workers, s, d->extra_queues, d->log, &queues_adopted) != 0 ||
	    make_sources(d) != 0) {
		return EXIT_CANNOT_RUN;
	}
	set_up_modules(d);
	if (start_cluster(d, s) != 0) {
		return EXIT_CANNOT_RUN;
	}
	rights = choose_rights(d, s);
	if (open_control(d) != 0 || least_rights_take(&rights, d->log) != 0 ||
	    open_metrics(d) != 0) {
		return EXIT_CANNOT_RUN;
	}
	/* Packets wait in the queues meanwhile: none meets a partly filled table. */
	fill_table(d, queues_adopted);
	params.engine = d->engine;
	params.cfg = &d->generations.current->shared;
	params.pin = s->queue_pin;
	params.compares_kernel = s->compare_kernel != 0;
	if (params.compares_kernel) {
		params.older = d->older = list_older(d);
	}
	event_sinks_apply(&d->sinks, s, &d->watch, &d->workers, d->log);
	if (workers_start(&d->workers, &params, d->log) != 0 || start_threads(d) != 0) {
		return EXIT_CANNOT_RUN;
	}
	return EXIT_OK;
}

/* Before the rights are given up: the password's file may be root's. */
static int start_cluster(struct daemon *d, const struct settings *s)
{
	const struct cluster_env env = {
		.base = d->base,
		.log = d->log,
		.engine = d->engine,
		.workers = &d->workers,
		.set_changes = &d->set_changes,
	};
	int err = cluster_start(&env, s, &d->cluster);

	cluster_apply(d->cluster, &d->generations.current->shared.policy,
	              d->generations.current->config);
	return err;
}

static const char *socket_path(const struct daemon *d)
{
	return d->options.socket_path != NULL ? d->options.socket_path : FINWALL_SOCKET_PATH;
}

static struct least_rights choose_rights(const struct daemon *d, const struct settings *s)
{
	const struct least_rights_files files = {
		.config = d->options.config_path,
		.state = state_path(&d->state, s),
		.socket = socket_path(d),
	};

	return least_rights_choose(&files, d->log);
}

/* The threads beside the workers. */
static int start_threads(struct daemon *d)
{
	int err = log_start(d->log);

	if (err == 0) {
		err = watchdog_start(&d->workers, clock_now(), &d->watchdog);
	}
	if (err != 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "cannot start a thread: %s", strerror(-err));
	}
	return err;
}

static void loop(struct daemon *d)
{
	log_write(d->log, LOG_LEVEL_NOTICE, "ready: %" PRIu32 " queue%s from %" PRIu32,
	          d->queues_len, d->queues_len == 1 ? "" : "s", d->settings_at_start.queue_num);
	hook_watch_notify_ready(&d->hook_watch);
	background_is_ready(d->options.ready_fd);
	d->has_run = true;
	d->prefaulter = prefault_start(d->base, d->log, d->engine_mem, d->engine_table_size,
	                               (enum prefault)d->settings_at_start.prefault);
	(void)event_base_dispatch(d->base);
	notify_stopping("Sending verdicts for waiting packets");
}

/* Also after a start that failed at any point. */
static void stop(struct daemon *d)
{
	metrics_free(d->metrics);
	d->metrics = NULL;
	control_stop(d->control);
	d->control = NULL;
	watchdog_stop(d->watchdog);
	if (d->workers.at != NULL) {
		workers_stop(&d->workers, d->log);
		if (d->has_run) {
			fast_path_stop(&d->fast_path, generation_settings(d->generations.current),
			               clock_now());
			report_events(&d->report);
			report_failures(&d->report);
		}
		cluster_stop(d->cluster);
		d->cluster = NULL;
		workers_free(&d->workers);
		if (d->has_run) {
			state_stop(&d->state, d->generations.current->config);
		}
	}
	for (size_t i = 0; i < SOURCES_LEN; i++) {
		if (d->sources[i] != NULL) {
			event_free(d->sources[i]);
		}
	}
	prefault_stop(d->prefaulter);
	raw_sender_stop(&d->raw_sender);
	set_changes_fini(&d->set_changes);
	event_sinks_close(&d->sinks);
	watch_fini(&d->watch);
	route_watch_close(&d->route_watch);
	generations_fini(&d->generations);
	hook_watch_close(&d->hook_watch);
	free(d->extra_queues);
	for (size_t i = 0; i < FIXED_TEXTS_LEN; i++) {
		free(d->texts_at_start[i]);
	}
	ifnames_close(d->ifnames);
	older_free(d->older);
	fast_path_fini(&d->fast_path);
	mem_unmap(d->engine_mem, d->engine_mem_size);
	if (d->base != NULL) {
		event_base_free(d->base);
	}
	libevent_global_shutdown();
	log_free(d->log);
}

/*
 * Finds the queues that installed hook rules use and the configuration does not: with another queue
 * count or CPU mask than before, packets would wait for a reader that does not come.
 */
static bool find_extra_queues(struct daemon *d, const struct settings *s)
{
	d->extra_queues = calloc(1, sizeof(*d->extra_queues));
	if (d->extra_queues == NULL) {
		return false;
	}
	hook_watch_open(&d->hook_watch, d->log, d->start);
	d->extra_queues->len = hook_watch_extra(&d->hook_watch, s->queue_num, d->queues_len,
	                                        d->extra_queues->at, QUEUES_EXTRA_MAX);
	return true;
}

static enum exit_code load_first(struct daemon *d)
{
	const char *path = d->options.config_path;
	const struct settings *s;
	struct generation *g;
	char *errors;

	g = generation_load(path, 1, 0, NULL, false, &errors);
	if (g == NULL && errors == NULL) {
		log_write(d->log, LOG_LEVEL_ERROR, "%s: cannot load it: %s", path,
		          strerror(ENOMEM));
		return EXIT_CANNOT_RUN;
	}
	if (g == NULL) {
		log_lines(d->log, LOG_LEVEL_ERROR, errors);
		free(errors);
		return EXIT_BAD_CONFIG;
	}
	s = generation_settings(g);
	if (cluster_problem(s) != NULL) {
		log_write(d->log, LOG_LEVEL_ERROR, "%s: %s", path, cluster_problem(s));
		generation_free(g);
		return EXIT_BAD_CONFIG;
	}
	d->queues_len = g->workers_len;
	if (!find_extra_queues(d, s)) {
		generation_free(g);
		return EXIT_CANNOT_RUN;
	}
	if (d->extra_queues->len > 0) {
		/* again, with counters for more workers */
		generation_free(g);
		g = generation_load(path, 1, d->queues_len + d->extra_queues->len, NULL, false,
		                    &errors);
		if (g == NULL) {
			log_write(d->log, LOG_LEVEL_ERROR, "%s: cannot load it: %s", path,
			          errors == NULL ? strerror(ENOMEM) : "it has changed");
			free(errors);
			return EXIT_CANNOT_RUN;
		}
	}
	log_given(d->log, g->config);
	generations_publish(&d->generations, g, &d->workers);
	d->generation_last = 1;
	s = generation_settings(g);
	if (d->queues_len < s->queue_count) {
		log_write(d->log, LOG_LEVEL_ERROR,
		          "%s: queue num %" PRIu32 " and count %" PRIu32
		          " exceed the last queue number, %u",
		          path, s->queue_num, s->queue_count, QUEUES_MAX - 1);
		return EXIT_BAD_CONFIG;
	}
	if (workers_alloc(&d->workers, g->workers_len) != 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "cannot allocate %" PRIu32 " workers: %s",
		          g->workers_len, strerror(ENOMEM));
		return EXIT_CANNOT_RUN;
	}
	d->settings_at_start = *s;
	return fixed_settings_keep(&d->settings_at_start, d->texts_at_start) == 0 ? EXIT_OK
	                                                                          : EXIT_CANNOT_RUN;
}

static void yield_cpu(void)
{
	(void)sched_yield();
}

/* One worker has one shard, so its lock is taken once per batch. */
static uint32_t count_shards(uint32_t workers_len)
{
	uint32_t len = SHARDS_PER_WORKER;

	if (workers_len == 1) {
		return 1;
	}
	while (len < SHARDS_PER_WORKER * workers_len) {
		len *= 2;
	}
	return len;
}

static int make_engine(struct daemon *d)
{
	struct engine_config cfg = {
		.flows_max = d->settings_at_start.connections_max,
		.tombs_max = d->settings_at_start.remember_max,
		.shards_len = count_shards(d->workers.len),
		.accounts = d->settings_at_start.accounting != 0 ||
		            d->settings_at_start.needs_accounting != 0,
		.peers = d->settings_at_start.cluster_engine != NULL,
		.start = d->start,
		.yield = yield_cpu,
	};
	struct refusal_limits *limits = &d->raw_sender.limits;
	int err = mem_random(&cfg.hash_key, sizeof(cfg.hash_key));

	if (err == 0) {
		err = mem_random(&limits->key, sizeof(limits->key));
	}
	if (err != 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "cannot read random bytes: %s", strerror(-err));
		return err;
	}
	d->engine_mem_size = engine_size(&cfg);
	d->engine_table_size = engine_table_size(&cfg);
	d->engine_mem = mem_map(d->engine_mem_size);
	if (d->engine_mem == NULL) {
		err = -errno;
		log_write(d->log, LOG_LEVEL_ERROR,
		          "cannot reserve %zu bytes for %" PRIu32
		          " connections: %s; lower connections max",
		          d->engine_mem_size, cfg.flows_max, strerror(-err));
		return err;
	}
	mem_hide_from_children(d->engine_mem, d->engine_mem_size);
	d->engine = engine_init(d->engine_mem, &cfg);
	return 0;
}

static void on_event(void *ctx, const struct worker_event *ev)
{
	struct daemon *d = ctx;

	control_publish(d->control, ev);
}

static void on_watch(void *ctx, const struct watch_record *record, const void *contents)
{
	struct daemon *d = ctx;

	char ifname[IFNAMSIZ] = "";
	const struct watch_flow *ev = contents;

	if ((record->readers & d->sinks.bit) != 0) {
		const struct config *config = NULL;

		if (record->kind != WATCH_LOGGED) {
			config = generations_config(&d->generations, ev->generation);
			(void)ifnames_get(d->ifnames, ev->flow.ifindex, ifname);
		}
		event_sinks_record(&d->sinks, record, contents, config, ifname);
	}
	if (record->kind != WATCH_LOGGED) {
		control_publish_record(d->control, record, contents);
	}
}

/* Of deletions by command: the main thread has a port of its own. */
static void on_flow(void *ctx, const struct flow_event *ev)
{
	struct daemon *d = ctx;

	if (d->watch.current != NULL) {
		watch_port_put_flow(d->watch.ports[d->watch.ports_len - 1], d->watch.current, ev);
	}
}

static void set_up_modules(struct daemon *d)
{
	d->engine_worker.sink = (struct engine_sink){ .ctx = d, .flow = on_flow };
	d->report = (struct report){
		.log = d->log,
		.ifnames = d->ifnames,
		.workers = &d->workers,
		.logs_late = d->options.verbose,
		.on_event = on_event,
		.on_watch = on_watch,
		.sinks = &d->sinks,
		.generations = &d->generations,
		.watch = &d->watch,
		.ctx = d,
	};
	d->state = (struct state){
		.log = d->log,
		.engine = d->engine,
		.worker = &d->engine_worker,
		.path = d->options.state_path,
	};
	d->fast_path = (struct fast_path){
		.log = d->log,
		.engine = d->engine,
		.worker = &d->engine_worker,
		.changes = &d->set_changes,
		.workers = &d->workers,
	};
	fast_path_init(&d->fast_path, socket_path(d), d->settings_at_start.on_absent);
	d->importer = (struct importer){
		.log = d->log,
		.engine = d->engine,
		.worker = &d->engine_worker,
	};
}

/* Loads saved connections; without recent ones imports those of the kernel's tracker. */
static void fill_table(struct daemon *d, uint32_t queues_adopted)
{
	const struct settings *s = generation_settings(d->generations.current);
	/* Packets waited in the stored queues, or found them full; others were never queued. */
	uint32_t missed = queues_adopted == d->workers.len ? s->on_overload : s->on_absent;
	enum load_gap gap = missed == FAIL_ACCEPT ? GAP_PACKETS : GAP_NOTHING;

	/* First: what the kernel fast path has tracked meanwhile is newer. */
	fast_path_start(&d->fast_path, s, &d->generations.current->shared.policy.tun,
	                missed == FAIL_ACCEPT, clock_now());
	if (!state_start(&d->state, d->generations.current->config, gap, clock_now())) {
		import_start(&d->importer, s);
	}
	/* The kernel fast path has no copy of them any more. */
	if (d->fast_path.adopted > 0) {
		state_save_soon(&d->state);
	}
}

/* The loaded connections: the kernel's tracker, enabled only now, may not know them. */
static struct older *list_older(struct daemon *d)
{
	struct engine_usage usage;
	struct older *older = NULL;
	struct sipkey key;

	engine_usage(d->engine, &usage);
	if (mem_random(&key, sizeof(key)) == 0) {
		older = older_new(usage.flows, &key);
	}
	if (older != NULL) {
		older_add_all(older, d->engine, clock_now());
	}
	return older;
}

static int open_control(struct daemon *d)
{
	const char *path = socket_path(d);
	const struct control_env env = {
		.log = d->log,
		.ifnames = d->ifnames,
		.engine = d->engine,
		.worker = &d->engine_worker,
		.workers = &d->workers,
		.generations = &d->generations,
		.set_changes = &d->set_changes,
		.watch = &d->watch,
		.importer = &d->importer,
		.raw_sender = &d->raw_sender,
		.hook_watch = &d->hook_watch,
		.fast_path = &d->fast_path,
		.cluster = d->cluster,
		.queues_len = d->queues_len,
		.config_path = d->options.config_absolute,
		.group = generation_settings(d->generations.current)->control_group,
		.reloads = &d->reloads,
		.start = d->start,
		.compares_kernel = d->settings_at_start.compare_kernel != 0,
		.reload = reload_configuration,
		.confirm = reload_confirm,
		.confirm_left = reload_confirm_left,
		.ctx = d,
	};
	int err = control_start(d->base, path, &env, &d->control);

	if (err == -ENOENT && env.group != NULL) {
		log_write(d->log, LOG_LEVEL_ERROR,
		          "cannot listen on %s for group %s: no such group", path, env.group);
	} else if (err != 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "cannot listen on %s: %s", path,
		          err == -EADDRINUSE ? "another finwalld does" : strerror(-err));
	}
	return err;
}

/* With the rights that a reload has. */
static int open_metrics(struct daemon *d)
{
	const struct metrics_sources from = {
		.engine = d->engine,
		.worker = &d->engine_worker,
		.workers = &d->workers,
		.generations = &d->generations,
		.hook_watch = &d->hook_watch,
		.raw_sender = &d->raw_sender,
		.cluster = d->cluster,
		.reloads = &d->reloads,
		.control = (const struct control *const *)&d->control,
		.start = d->start,
		.compares_kernel = d->settings_at_start.compare_kernel != 0,
	};

	d->metrics = metrics_new(d->base, d->log, &from);
	if (d->metrics == NULL) {
		return -ENOMEM;
	}
	metrics_apply(d->metrics, generation_settings(d->generations.current), clock_now());
	return 0;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopexit(d->base, NULL);
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
	char *warnings;
	char *errors;

	(void)fd;
	(void)what;
	(void)reload_configuration(arg, 0, &errors, &warnings);
	free(warnings);
	free(errors);
}

/* Notifies the service manager and finwall hook watch of a change. */
static void hooks_tick(struct daemon *d, struct mono now)
{
	char status[HOOK_STATUS_SIZE];

	if (hook_watch_tick(&d->hook_watch, now)) {
		hook_watch_status(&d->hook_watch, status);
		notify_status(status);
		control_hooks_changed(d->control);
	}
	if (d->hook_watch.has_gap) {
		d->hook_watch.has_gap = false;
		engine_note_gap(d->engine);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct mono now = clock_now();
	const struct settings *s;

	(void)fd;
	(void)what;
	report_tick(&d->report, now);
	if (generations_can_retire(&d->generations, &d->workers)) {
		/* Events queued meanwhile may refer to the rules of an older generation. */
		report_events(&d->report);
		generations_retire(&d->generations);
	}
	reload_tick(d, now);
	s = generation_settings(d->generations.current);
	set_changes_retire(&d->set_changes, &d->workers);
	route_watch_tick(&d->route_watch, now);
	named_sets_sweep(d->generations.current->config, clock_now());
	if (watch_can_retire(&d->watch, &d->workers)) {
		/* Records of readers that are gone may be left. */
		report_events(&d->report);
		watch_retire(&d->watch);
	}
	raw_sender_tick(&d->raw_sender, now, d->log);
	watchdog_tick(d->watchdog, now);
	state_tick(&d->state, d->generations.current->config, now);
	import_tick(&d->importer, s, workers_packets(&d->workers));
	hooks_tick(d, now);
	metrics_tick(d->metrics, now);
	fast_path_tick(&d->fast_path, s, &d->generations.current->shared.policy.tun, now);
	log_report(d->log, now);
}

static void on_link(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	ifnames_update(d->ifnames, d->generations.current->shared.policy.rules);
	/* Rules that name interfaces may have another verdict now. */
	engine_stale_leases(d->engine);
}

static void on_hooks(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct mono now = clock_now();

	(void)fd;
	(void)what;
	if (hook_watch_notified(&d->hook_watch, now)) {
		hooks_tick(d, now);
	}
}

static void on_routes(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	route_watch_notified(&d->route_watch);
}

/* Whether a source has no descriptor, which is no error. */
static bool is_missing(const struct daemon *d, enum source source)
{
	return (source == SOURCE_HOOKS && hook_watch_fd(&d->hook_watch) < 0) ||
	       (source == SOURCE_ROUTES && d->route_watch.fd < 0);
}

static int make_sources(struct daemon *d)
{
	struct timeval tick = { .tv_usec = TICK_USEC };

	d->sources[SOURCE_TERM] = evsignal_new(d->base, SIGTERM, on_stop, d);
	d->sources[SOURCE_INT] = evsignal_new(d->base, SIGINT, on_stop, d);
	d->sources[SOURCE_HUP] = evsignal_new(d->base, SIGHUP, on_reload, d);
	d->sources[SOURCE_TICK] = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	d->sources[SOURCE_LINK] =
		event_new(d->base, ifnames_fd(d->ifnames), EV_READ | EV_PERSIST, on_link, d);
	d->sources[SOURCE_HOOKS] = event_new(d->base, hook_watch_fd(&d->hook_watch),
	                                     EV_READ | EV_PERSIST, on_hooks, d);
	d->sources[SOURCE_ROUTES] =
		event_new(d->base, d->route_watch.fd, EV_READ | EV_PERSIST, on_routes, d);
	for (enum source i = 0; i < SOURCES_LEN; i++) {
		if (is_missing(d, i)) {
			continue;
		}
		if (d->sources[i] == NULL ||
		    event_add(d->sources[i], i == SOURCE_TICK ? &tick : NULL) != 0) {
			log_write(d->log, LOG_LEVEL_ERROR, "cannot set up the event loop: %s",
			          strerror(ENOMEM));
			return -ENOMEM;
		}
	}
	return 0;
}
