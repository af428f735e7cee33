/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall hook watch. See watch.h.
 *
 * The daemon sends a message after each change of the hook rules, or of what it needs. Without a
 * daemon nothing is done: on-absent decides, and a new daemon sends its state at once.
 *
 * Rules that vanish between an installation and the daemon's next reading change nothing for the
 * daemon. So if no message follows an installation, the state is requested anew, once: the request
 * waits for a daemon that hangs.
 *
 * Two programs that both want to be first would install their rules for ever. So the pause before
 * an installation doubles while installations follow each other closely. After a pause the state is
 * requested anew too; if the daemon does not answer, what it wanted before the pause is installed.
 *
 * A daemon that is stopped or hangs sends nothing, and its queues are bound, so on-absent does not
 * apply: the kernel's counters show it. Then the administrator's port is accepted until verdicts
 * are given again.
 */
#include "hook/watch.h"

#include "client.h"
#include "hook/mark_down.h"
#include "hook/stall.h"
#include "io/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define RECONNECT_MS   200
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   60000
#define CALM_MS        10000
#define STALL_TICK_MS  1000
#define CONFIRM_MS     500 /* longer than the daemon needs to see an installation */

static volatile sig_atomic_t is_ended;
static volatile sig_atomic_t is_kept; /* SIGUSR1 */
static volatile sig_atomic_t socket_fd = -1;

struct watch {
	const struct hook_watch_params *params;
	struct hook_wish installed; /* the last one; in force if nothing is wrong */
	bool has_installed;
	int64_t installed_ms; /* when */
	int64_t pause_ms;     /* before the next one; 0 = none */
	bool is_unconfirmed;  /* no message since then */
	struct hook_wish due; /* waited for its pause */
	bool is_due;
	struct stall stall;
	bool is_stalled; /* the administrator's port is accepted */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Ended by a signal. */
static void pause_ms(int64_t ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (!is_ended) {
		nanosleep(&ts, NULL);
	}
}

/* Wakes a receive: it then reads the end of the stream. */
static void on_signal(int nr)
{
	if (nr == SIGUSR1) {
		is_kept = 1;
	}
	is_ended = 1;
	if (socket_fd >= 0) {
		shutdown(socket_fd, SHUT_RDWR);
	}
}

void hook_watch_begin(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

/* Installs the hook rules unless the last time was just now; then waits and reads the state anew.
 */
static bool install(struct watch *w, const struct hook_wish *wish)
{
	if (w->has_installed && now_ms() - w->installed_ms > CALM_MS + w->pause_ms) {
		w->pause_ms = 0;
	}
	if (w->pause_ms > 0 && now_ms() - w->installed_ms < w->pause_ms) {
		pause_ms(w->pause_ms - (now_ms() - w->installed_ms));
		w->due = *wish;
		w->is_due = true;
		return false;
	}
	w->pause_ms = w->pause_ms == 0                 ? PAUSE_FIRST_MS
	              : w->pause_ms * 2 < PAUSE_MAX_MS ? w->pause_ms * 2
	                                               : PAUSE_MAX_MS;
	if (w->params->install(w->params->ctx, wish)) {
		w->installed = *wish;
		w->has_installed = true;
		w->is_stalled = false;
	}
	fflush(stdout);
	w->installed_ms = now_ms();
	w->is_unconfirmed = true;
	return true;
}

/* Handles a message. Returns false if the connection has to be made again. */
static bool handle(struct watch *w, const json_t *message)
{
	const char *fault = client_text(message, "fault");
	/* a table of others is not replaced */
	const bool is_wrong = strcmp(fault, "none") != 0 && strcmp(fault, "unknown") != 0 &&
	                      strcmp(fault, "taken") != 0;
	struct hook_wish wish;

	w->is_unconfirmed = false;
	w->is_due = false;
	if (!hook_wish_of_reply(message, &wish) ||
	    strcmp(client_text(message, "watch"), "restore") != 0 ||
	    hook_mark_is_set(w->params->socket_path)) {
		return true;
	}
	if (!w->has_installed) {
		/* those that hook up has installed before */
		w->installed = wish;
		w->has_installed = true;
	}
	if (!is_wrong && hook_wish_difference(&w->installed, &wish) == NULL) {
		return true;
	}
	if (is_wrong) {
		fprintf(stderr, "hook: %s\n", client_text(message, "text"));
	}
	return install(w, &wish);
}

/* Accepts the administrator's port while the daemon gives no verdicts, not longer. */
static void look_for_stall(struct watch *w)
{
	const struct hook_plan *plan = &w->installed.plan;
	bool is_stalled;

	if (!w->has_installed || !hook_plan_keeps_admin(plan) ||
	    hook_mark_is_set(w->params->socket_path)) {
		return;
	}
	is_stalled = stall_check(&w->stall, plan->queue_num, plan->queue_count, now_ms());
	if (is_stalled == w->is_stalled || !w->params->set_stalled(w->params->ctx, is_stalled)) {
		return;
	}
	w->is_stalled = is_stalled;
	if (is_stalled) {
		fprintf(stderr,
		        "hook: the daemon gives no verdicts: TCP port %u of this machine is "
		        "accepted until it does\n",
		        plan->admin_port);
	} else {
		fprintf(stderr, "hook: the daemon gives verdicts again\n");
	}
}

/* Installs what waited for its pause, since the daemon does not say whether that is still right. */
static void install_due(struct watch *w)
{
	w->is_due = false;
	if (!hook_mark_is_set(w->params->socket_path)) {
		(void)install(w, &w->due);
	}
}

/* Waits for a message: for ever, or after an installation or a pause for CONFIRM_MS. */
static bool receive(struct watch *w, struct client *c, struct ctl_reply *reply)
{
	for (;;) {
		const int ms = w->is_unconfirmed || w->is_due ? CONFIRM_MS : STALL_TICK_MS;
		const struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
		int rc;

		setsockopt(client_fd(c), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		rc = client_reply(c, reply);
		if (rc != -ETIMEDOUT || is_ended) {
			return rc == 0;
		}
		if (w->is_due) {
			install_due(w);
		} else if (w->is_unconfirmed) {
			w->is_unconfirmed = false;
			return false;
		} else {
			look_for_stall(w);
		}
	}
}

/* Follows one daemon until it ends or its state has to be requested anew, at once if it returns
 * true. */
static bool follow(struct watch *w, struct client *c)
{
	struct ctl_reply reply;
	bool is_stale = false;
	bool goes_on;

	socket_fd = client_fd(c);
	goes_on = client_call(c, "GetHooks", NULL, CTL_CONTINUES) == 0;
	while (goes_on && !is_ended && receive(w, c, &reply)) {
		goes_on = reply.error == NULL && reply.continues;
		is_stale = goes_on && !handle(w, reply.parameters);
		goes_on = goes_on && !is_stale;
		ctl_reply_fini(&reply);
	}
	socket_fd = -1;
	return is_stale;
}

enum hook_watch_end hook_watch_run(const struct hook_watch_params *params)
{
	struct watch w = { .params = params, .installed_ms = now_ms() };

	fflush(stdout);
	notify_ready("Restoring the hook rules when the daemon reports a fault");
	while (!is_ended) {
		struct client *c = client_open(params->socket_path);
		bool at_once = false;

		if (c != NULL) {
			at_once = follow(&w, c);
			client_close(c);
		}
		if (!at_once) {
			look_for_stall(&w);
			pause_ms(RECONNECT_MS);
		}
	}
	stall_fini(&w.stall);
	notify_stopping(is_kept ? "Keeping the hook rules" : "Removing the hook rules");
	return is_kept ? WATCH_END_KEEP : WATCH_END_REMOVE;
}
