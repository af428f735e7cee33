/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's life: configuration, memory, queues, workers, main loop, and the same way back.
 *
 * The order matters in two places. Queues are bound before READY is said, because the hook rules
 * that feed them follow it. At the end the kernel is told to queue no more, and what waits is
 * answered, before a queue is given up; unless the service manager keeps its socket, then packets
 * wait for the next process.
 */
#include "daemon.h"

#include "ctl_cmd.h"
#include "import_conntrack.h"
#include "io/clock.h"
#include "io/cpus.h"
#include "io/ifname.h"
#include "io/kept_fds.h"
#include "io/log.h"
#include "io/mem.h"
#include "io/nfq_proc.h"
#include "io/nfq_sock.h"
#include "io/notify.h"
#include "io/who_holds.h"
#include "prefault.h"
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* The main thread looks after things this often. */
#define TICK_USEC 100000

static enum exit_code load_first(struct daemon *d);
static int make_engine(struct daemon *d);
static int open_queues(struct daemon *d);
static int open_all_queues(struct daemon *d, struct kept_fds *kept);
static int start_workers(struct daemon *d);
static int make_events(struct daemon *d);
static int open_control(struct daemon *d);
static void stop_workers(struct daemon *d);

enum exit_code daemon_init(struct daemon *d)
{
	enum exit_code code;
	int err;

	d->raw = RAWSEND_NONE;
	d->start = clock_now();
	d->start_wall_sec = clock_wall_sec();
	d->watchdog_ns = notify_watchdog_ns();
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
		log_say(d->log, LOG_LEVEL_ERROR, "cannot read the interfaces: %s", strerror(-err));
		return EXIT_CANNOT_RUN;
	}
	generation_equip(d, d->generation);
	if (make_engine(d) != 0 || open_queues(d) != 0 || make_events(d) != 0) {
		return EXIT_CANNOT_RUN;
	}
	/* Packets wait in the queues meanwhile: none meets a table that is half full. */
	if (!state_start(d)) {
		import_start(d);
	}
	if (start_workers(d) != 0 || open_control(d) != 0) {
		return EXIT_CANNOT_RUN;
	}
	return EXIT_OK;
}

void daemon_run(struct daemon *d)
{
	log_say(d->log, LOG_LEVEL_NOTICE, "ready: %" PRIu32 " queue%s from %" PRIu32,
	        d->workers_len, d->workers_len == 1 ? "" : "s", d->settings_at_start.queue_num);
	notify_ready(daemon_status(d));
	d->has_run = 1;
	prefault_start(d);
	(void)event_base_dispatch(d->base);
	notify_stopping("Answering the packets that wait");
}

void daemon_stop(struct daemon *d)
{
	(void)event_base_loopexit(d->base, NULL);
}

void daemon_fini(struct daemon *d)
{
	struct event *events[] = { d->ev_term, d->ev_int, d->ev_hup, d->ev_tick, d->ev_link };

	ctl_stop(d);
	if (d->workers != NULL) {
		stop_workers(d);
		if (d->has_run != 0) {
			state_stop(d);
		}
		mem_unmap(d->workers, d->workers_len * sizeof(*d->workers));
	}
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i] != NULL) {
			event_free(events[i]);
		}
	}
	prefault_stop(d);
	rawsend_stop(&d->raw);
	generation_free(d->generation);
	ifnames_close(d->ifnames);
	mem_unmap(d->engine_mem, d->engine_mem_size);
	if (d->base != NULL) {
		event_base_free(d->base);
	}
	libevent_global_shutdown();
	log_free(d->log);
}

void daemon_stats(const struct daemon *d, struct stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	stats_sum(sum, &d->control.stats);
	for (uint32_t i = 0; i < d->workers_len; i++) {
		stats_sum(sum, &d->workers[i].engine_worker.stats);
	}
}

static enum exit_code load_first(struct daemon *d)
{
	char *errors;

	d->generation = generation_new(d, 1, &errors);
	if (d->generation == NULL && errors == NULL) {
		log_say(d->log, LOG_LEVEL_ERROR, "no memory for the configuration");
		return EXIT_CANNOT_RUN;
	}
	if (d->generation == NULL) {
		log_lines(d->log, LOG_LEVEL_ERROR, errors);
		free(errors);
		return EXIT_BAD_CONFIG;
	}
	d->workers_len = d->generation->workers_len;
	if (d->workers_len < daemon_settings(d)->queue_count) {
		log_say(d->log, LOG_LEVEL_ERROR,
		        "%s: queue num %" PRIu32 " and count %" PRIu32 " go beyond queue 65535",
		        d->config_path, daemon_settings(d)->queue_num,
		        daemon_settings(d)->queue_count);
		return EXIT_BAD_CONFIG;
	}
	d->settings_at_start = *daemon_settings(d);
	d->control.policy = &d->generation->policy;
	return EXIT_OK;
}

static void yield_cpu(void)
{
	(void)sched_yield();
}

/* With one worker one shard: its lock is then taken once per batch. */
static uint32_t count_shards(uint32_t workers_len)
{
	uint32_t len = 4;

	if (workers_len == 1) {
		return 1;
	}
	while (len < 4 * workers_len) {
		len *= 2;
	}
	return len;
}

static int make_engine(struct daemon *d)
{
	struct engine_config cfg = {
		.flows_max = d->settings_at_start.connections_max,
		.tombs_max = d->settings_at_start.remember_max,
		.shards_len = count_shards(d->workers_len),
		.start = d->start,
		.yield = yield_cpu,
	};
	int err = mem_random(&cfg.hash_key, sizeof(cfg.hash_key));

	if (err != 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "no random numbers: %s", strerror(-err));
		return err;
	}
	d->engine_mem_size = engine_size(&cfg);
	d->engine_table_size = engine_table_size(&cfg);
	d->engine_mem = mem_map(d->engine_mem_size);
	if (d->engine_mem == NULL) {
		err = -errno;
		log_say(d->log, LOG_LEVEL_ERROR,
		        "no room for %" PRIu32 " connections (%zu bytes): %s", cfg.flows_max,
		        d->engine_mem_size, strerror(-err));
		return err;
	}
	d->engine = engine_init(d->engine_mem, &cfg);
	return 0;
}

/* Why a queue cannot be had. */
static void say_bind_failed(const struct daemon *d, uint16_t queue, int err)
{
	char holder[256];

	if ((err == -EPERM || err == -EBUSY) && who_holds(queue, holder, sizeof(holder)) == 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "%s", holder);
		return;
	}
	log_say(d->log, LOG_LEVEL_ERROR, "cannot bind queue %u: %s%s", queue, strerror(-err),
	        err == -EPERM ? " (CAP_NET_ADMIN is needed)"
	        : err == -EINVAL || err == -EPROTONOSUPPORT
	                ? " (is the kernel module nfnetlink_queue there?)"
	                : "");
}

/* The socket that the process before us left, if the manager kept one and it is still good. */
static bool adopt_queue(struct daemon *d, int fd, const struct nfq_params *params, struct worker *w,
                        uint16_t queue)
{
	int err;

	if (fd < 0) {
		return false;
	}
	err = nfq_sock_adopt(fd, queue, params, &w->nfq, &w->sock);
	if (err != 0) {
		log_say(d->log, LOG_LEVEL_WARNING, "the socket kept for queue %u is of no use: %s",
		        queue, strerror(-err));
		return false;
	}
	/* What the kernel lost before is not news. */
	(void)nfq_proc_read(queue, &w->proc_reported);
	w->took_over = 1;
	d->queues_kept++;
	return true;
}

static int open_queue(struct daemon *d, struct kept_fds *kept, const struct nfq_params *params,
                      struct worker *w, uint16_t queue)
{
	char name[32];
	int err;

	(void)snprintf(name, sizeof(name), "queue-%u", queue);
	w->hands_on = d->keeps_fds != 0;
	if (adopt_queue(d, kept_fds_take(kept, name), params, w, queue)) {
		return 0;
	}
	err = nfq_sock_open(queue, params, &w->nfq, &w->sock);
	if (err != 0) {
		say_bind_failed(d, queue, err);
		return err;
	}
	if (d->keeps_fds != 0) {
		notify_keep_fd(nfq_sock_fd(w->sock), name);
	}
	return 0;
}

static int open_queues(struct daemon *d)
{
	struct kept_fds *kept = kept_fds_read();
	int err;

	d->keeps_fds = notify_keeps_fds();
	err = open_all_queues(d, kept);
	kept_fds_free(kept);
	if (err == 0 && d->queues_kept > 0) {
		log_say(d->log, LOG_LEVEL_NOTICE, "%" PRIu32 " queues taken over as they were",
		        d->queues_kept);
	}
	return err;
}

static int open_all_queues(struct daemon *d, struct kept_fds *kept)
{
	const struct settings *s = &d->settings_at_start;
	struct nfq_params params = {
		.len = s->queue_len,
		.rcvbuf_bytes = s->queue_rcvbuf_bytes,
		.copy_bytes = s->queue_copy_bytes,
		.spin_us = s->queue_spin_us,
		.on_overload = (enum fail_mode)s->on_overload,
		.on_absent = (enum fail_mode)s->on_absent,
		.wants_conntrack = s->compare_kernel != 0,
	};

	d->workers = mem_map(d->workers_len * sizeof(*d->workers));
	if (d->workers == NULL) {
		log_say(d->log, LOG_LEVEL_ERROR, "no memory for the workers");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < d->workers_len; i++) {
		struct worker *w = &d->workers[i];
		uint16_t queue = (uint16_t)(s->queue_num + i);
		int err = open_queue(d, kept, &params, w, queue);

		if (err != 0) {
			return err;
		}
		if (i == 0 && nfq_sock_rcvbuf(w->sock) < params.rcvbuf_bytes) {
			log_say(d->log, LOG_LEVEL_WARNING,
			        "receive buffer of %" PRIu32 " bytes instead of %" PRIu32
			        ": net.core.rmem_max, or run with CAP_NET_ADMIN",
			        nfq_sock_rcvbuf(w->sock), params.rcvbuf_bytes);
		}
	}
	return 0;
}

/* A processor that cannot be had is no reason not to filter. */
static void pin_worker(const struct daemon *d, const struct worker *w)
{
	const char *how = daemon_settings(d)->queue_pin;
	int cpu = how != NULL ? cpus_pin(w->thread, how, w->nr) : 0;

	if (cpu == -EINVAL) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "queue %u: its worker cannot keep to a processor: pin %s names one that "
		        "is not there, or that this process may not use",
		        w->queue, how);
	} else if (cpu < 0) {
		log_say(d->log, LOG_LEVEL_WARNING,
		        "queue %u: its worker cannot keep to a processor: %s", w->queue,
		        strerror(-cpu));
	}
}

static int start_workers(struct daemon *d)
{
	for (uint32_t i = 0; i < d->workers_len; i++) {
		struct worker *w = &d->workers[i];
		int err = worker_init(w, d->engine, i,
		                      (uint16_t)(d->settings_at_start.queue_num + i));

		w->comparer.is_on = d->settings_at_start.compare_kernel != 0;
		w->comparer.start = d->start;
		if (err == 0) {
			atomic_store_explicit(&w->wanted, d->generation, memory_order_release);
			err = worker_start(w);
		}
		if (err != 0) {
			log_say(d->log, LOG_LEVEL_ERROR, "cannot start a worker: %s",
			        strerror(-err));
			return err;
		}
		pin_worker(d, w);
	}
	return 0;
}

static int open_control(struct daemon *d)
{
	const char *path = d->socket_path != NULL ? d->socket_path : FINWALL_SOCKET_PATH;
	int err = ctl_start(d, path);

	if (err != 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "cannot listen at %s: %s", path,
		        err == -EADDRINUSE ? "another finwalld does" : strerror(-err));
	}
	return err;
}

static void stop_workers(struct daemon *d)
{
	for (uint32_t i = 0; i < d->workers_len; i++) {
		worker_stop(&d->workers[i]);
	}
	for (uint32_t i = 0; i < d->workers_len; i++) {
		struct worker *w = &d->workers[i];

		worker_join(w);
		if (w->left_waiting > 0) {
			log_say(d->log, LOG_LEVEL_WARNING,
			        "queue %u: %" PRIu32 " packets had no verdict at the end", w->queue,
			        w->left_waiting);
		}
	}
	housekeeping_drain_events(d);
	housekeeping_tell_troubles(d);
	generation_retire(d);
	for (uint32_t i = 0; i < d->workers_len; i++) {
		worker_fini(&d->workers[i]);
	}
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	daemon_stop(arg);
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
	char *errors;

	(void)fd;
	(void)what;
	(void)daemon_reload(arg, &errors);
	free(errors);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	housekeeping_tick(arg);
}

static void on_link(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	ifnames_update(d->ifnames, d->generation->policy.rules);
}

static int make_events(struct daemon *d)
{
	struct timeval tick = { .tv_usec = TICK_USEC };

	d->ev_term = evsignal_new(d->base, SIGTERM, on_stop, d);
	d->ev_int = evsignal_new(d->base, SIGINT, on_stop, d);
	d->ev_hup = evsignal_new(d->base, SIGHUP, on_reload, d);
	d->ev_tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	d->ev_link = event_new(d->base, ifnames_fd(d->ifnames), EV_READ | EV_PERSIST, on_link, d);
	if (d->ev_term == NULL || d->ev_int == NULL || d->ev_hup == NULL || d->ev_tick == NULL ||
	    d->ev_link == NULL || event_add(d->ev_term, NULL) != 0 ||
	    event_add(d->ev_int, NULL) != 0 || event_add(d->ev_hup, NULL) != 0 ||
	    event_add(d->ev_tick, &tick) != 0 || event_add(d->ev_link, NULL) != 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "cannot set up the event loop");
		return -ENOMEM;
	}
	return 0;
}
