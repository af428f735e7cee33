/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that change. See stats_watch.h.
 *
 * A reply becomes an object of names and numbers, which is compared with the one before. The
 * signals that end the command are blocked and waited for, so none is lost between two replies.
 */
#include "cmd/stats_watch.h"

#include "client.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Lines of a screen that are no rows: two of the head, the headings, the rest, the cursor's. */
#define OTHER_LINES 5u

#define NAME_SIZE 96

struct row {
	const char *name; /* borrowed from the counters */
	long long total;
	long long change;
};

struct watch {
	unsigned sec;
	bool only_late_close;
	unsigned lines; /* of the terminal; 0 = no terminal */
	json_t *before; /* counters of the last reply, or NULL */
	long long before_uptime_ms;
	long long before_connections;
};

static client_fn compare_reply;
static json_t *read_counters(const json_t *stats, bool only_late_close);
static struct row *changed_rows(const json_t *before, const json_t *now, size_t *len);
static void print_head(const struct watch *w, const json_t *stats);
static void print_rows(const struct watch *w, const struct row *rows, size_t len, double sec);
static unsigned terminal_lines(void);

enum cli_exit stats_watch(const struct cli *cli, const struct cli_command *cmd, unsigned sec,
                          bool only_late_close)
{
	struct watch w = { .sec = sec, .only_late_close = only_late_close };
	const struct timespec interval = { .tv_sec = sec };
	enum cli_exit code;
	sigset_t ends;
	int nr;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	do {
		w.lines = terminal_lines();
		code = client_run(cli, cmd, "GetStats", NULL, CTL_LAST, compare_reply, &w);
		do {
			nr = code == CLI_OK ? sigtimedwait(&ends, NULL, &interval) : SIGTERM;
		} while (nr < 0 && errno == EINTR);
	} while (nr < 0);
	json_decref(w.before);
	return code;
}

static enum cli_exit compare_reply(void *ctx, const json_t *parameters)
{
	struct watch *w = ctx;
	json_t *now = read_counters(parameters, w->only_late_close);
	long long uptime_ms = client_number(parameters, "uptime_ms");

	print_head(w, parameters);
	if (w->before == NULL) {
		printf("\nChanges follow every %u s.\n", w->sec);
	} else if (uptime_ms <= w->before_uptime_ms) {
		printf("\nThe daemon was restarted.\n");
	} else {
		size_t len;
		struct row *rows = changed_rows(w->before, now, &len);

		print_rows(w, rows, len, (double)(uptime_ms - w->before_uptime_ms) / 1e3);
		free(rows);
	}
	json_decref(w->before);
	w->before = now;
	w->before_uptime_ms = uptime_ms;
	w->before_connections = client_number(json_object_get(parameters, "table"), "connections");
	return fflush(stdout) != 0 ? CLI_REFUSED : CLI_OK;
}

static void put(json_t *counters, const char *prefix, const char *name, const char *suffix,
                long long number)
{
	char key[NAME_SIZE];

	snprintf(key, sizeof(key), "%s %s%s%s", prefix, name, *suffix != '\0' ? " " : "", suffix);
	json_object_set_new(counters, key, json_integer(number));
}

static void put_verdicts(json_t *counters, const json_t *verdicts)
{
	const json_t *row;
	size_t i;

	json_array_foreach(verdicts, i, row)
	{
		const char *hook = client_text(row, "hook");
		const char *state = client_text(row, "state");
		const json_t *accept = json_object_get(row, "accept");

		put(counters, hook, state, "accepted", client_number(accept, "packets"));
		put(counters, hook, state, "accepted bytes", client_number(accept, "bytes"));
		put(counters, hook, state, "dropped",
		    client_number(json_object_get(row, "drop"), "packets"));
		put(counters, hook, state, "rejected",
		    client_number(json_object_get(row, "reject"), "packets"));
	}
}

static void put_queue(json_t *counters, const json_t *queue)
{
	const json_t *row;
	char prefix[32];
	size_t i;

	snprintf(prefix, sizeof(prefix), "queue %lld", client_number(queue, "number"));
	json_array_foreach(json_object_get(queue, "counters"), i, row)
	{
		put(counters, prefix, client_text(row, "name"), "", client_number(row, "count"));
	}
	put(counters, prefix, "dropped", "", client_number(queue, "dropped"));
	put(counters, prefix, "user-dropped", "", client_number(queue, "user_dropped"));
	json_array_foreach(json_object_get(queue, "kernel_errors"), i, row)
	{
		put(counters, prefix, "kernel-error", client_text(row, "text"),
		    client_number(row, "count"));
	}
}

/* {"reason tcp-open": 7, "event flow-expired": 3, ...} */
static json_t *read_counters(const json_t *stats, bool only_late_close)
{
	json_t *counters = json_object();
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(stats, "reasons"), i, row)
	{
		const char *name = client_text(row, "name");

		if (!only_late_close || strncmp(name, "late-", strlen("late-")) == 0) {
			put(counters, "reason", name, "", client_number(row, "packets"));
		}
	}
	if (only_late_close) {
		return counters;
	}
	put_verdicts(counters, json_object_get(stats, "verdicts"));
	json_array_foreach(json_object_get(stats, "events"), i, row)
	{
		put(counters, "event", client_text(row, "name"), "", client_number(row, "count"));
	}
	json_array_foreach(json_object_get(stats, "queues"), i, row)
	{
		put_queue(counters, row);
	}
	return counters;
}

/* The fastest first. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	if (x->change != y->change) {
		return x->change > y->change ? -1 : 1;
	}
	return strcmp(x->name, y->name);
}

/* Returns NULL with *len 0 when nothing has changed, or memory runs out. The caller frees it. */
static struct row *changed_rows(const json_t *before, const json_t *now, size_t *len)
{
	struct row *rows = calloc(json_object_size(now), sizeof(*rows));
	const char *name;
	json_t *value;

	*len = 0;
	if (rows == NULL) {
		return NULL;
	}
	/* the macro takes no const object; nothing is changed */
	json_object_foreach((json_t *)(uintptr_t)now, name, value)
	{
		long long total = json_integer_value(value);
		long long change = total - client_number(before, name);

		if (change != 0) {
			rows[(*len)++] = (struct row){ name, total, change };
		}
	}
	if (*len > 0) {
		qsort(rows, *len, sizeof(*rows), compare_rows);
	}
	return rows;
}

static void print_head(const struct watch *w, const json_t *stats)
{
	const json_t *table = json_object_get(stats, "table");
	long long connections = client_number(table, "connections");
	time_t now = time(NULL);
	char clock[16] = "";
	long long waiting = 0;
	const json_t *queue;
	struct tm tm;
	size_t i;

	if (localtime_r(&now, &tm) != NULL) {
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	}
	json_array_foreach(json_object_get(stats, "queues"), i, queue)
	{
		waiting += client_number(queue, "waiting");
	}
	/* from the top left corner, over an empty screen */
	fputs(w->lines > 0 ? "\033[H\033[J" : w->before != NULL ? "\n" : "", stdout);
	printf("%s  packets waiting in the queues %lld\n", clock, waiting);
	printf("connections %lld of %lld (%+lld), remembered %lld of %lld\n", connections,
	       client_number(table, "connections_max"),
	       w->before != NULL ? connections - w->before_connections : 0,
	       client_number(table, "remembered"), client_number(table, "remembered_max"));
}

static void print_rows(const struct watch *w, const struct row *rows, size_t len, double sec)
{
	size_t shown = len;

	if (w->lines > 0 && shown > w->lines - OTHER_LINES) {
		shown = w->lines - OTHER_LINES;
	}
	if (len == 0) {
		printf("\nNo counter has changed.\n");
		return;
	}
	printf("%-40s %14s %11s %11s\n", "COUNTER", "TOTAL", "CHANGE", "PER SECOND");
	for (size_t i = 0; i < shown; i++) {
		printf("%-40.40s %14lld %+11lld %11.1f\n", rows[i].name, rows[i].total,
		       rows[i].change, (double)rows[i].change / sec);
	}
	if (shown < len) {
		printf("%zu more counters have changed\n", len - shown);
	}
}

static unsigned terminal_lines(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_row == 0) {
		return 0;
	}
	return ws.ws_row > OTHER_LINES + 1 ? ws.ws_row : OTHER_LINES + 1;
}
