/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall top: a live screen of connections and counters. The daemon sorts and sends only the rows
 * that fit; top/model.c reads them, this file draws and reads keys.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "top/model.h"

#include "text/num.h"

#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_SEC_DEFAULT 2
#define INTERVAL_SEC_MAX     60
#define KEY_ESCAPE           27

/* Lines that are no rows: head, heading and keys. */
#define HEAD_LINES  6
#define OTHER_LINES (HEAD_LINES + 2)

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ "sort", required_argument, NULL, 'S' },
	{ "filter", required_argument, NULL, 'f' },
	{ NULL, 0, NULL, 0 },
};

static const char *const orders[] = { "bytes",  "packets", "age",    "idle",
	                              "expiry", "state",   "address" };

#define ORDERS_LEN (sizeof(orders) / sizeof(orders[0]))

struct top {
	const struct cli *cli;
	uint64_t interval_sec;
	unsigned order;
	char filter_text[128];
	json_t *filter;
	char message[96]; /* in place of the keys, until the next key */
	bool is_paused;
	struct top_sample *now;
	struct top_sample *before; /* NULL = none yet */
	struct top_sample sample[2];
};

static volatile sig_atomic_t is_ended;

static enum cli_exit run_top(const struct cli *cli, int argc, char **argv);
static enum cli_exit loop(struct top *t);

const struct cli_command cmd_top = {
	.name = "top",
	.args = "[--interval SECONDS] [--sort ORDER] [--filter TEXT]",
	.summary = "show connections, rates and losses on a live screen",
	.details =
		"-i, --interval SECONDS  between two updates, 1 to 60 (default 2)\n"
		"-S, --sort ORDER        bytes, packets, age, idle, expiry, state or address\n"
		"-f, --filter TEXT       words: a protocol, an address or prefix, a port, a TCP\n"
		"                        state, an interface\n"
		"\n"
		"Keys: q ends, s or < > change the order, f the filter, space updates, p pauses,\n"
		"+ and - change the interval. Bytes, packets, rates, age and idle time need the\n"
		"setting connections accounting on.\n",
	.run = run_top,
};

static void on_signal(int nr)
{
	(void)nr;
	is_ended = 1;
}

static bool read_order(const char *name, unsigned *out)
{
	for (unsigned o = 0; o < ORDERS_LEN; o++) {
		if (strcmp(name, orders[o]) == 0) {
			*out = o;
			return true;
		}
	}
	return false;
}

static bool set_filter(struct top *t, const char *text)
{
	char wrong[TOP_TEXT_SIZE];
	json_t *filter = top_read_filter(text, wrong);

	if (filter == NULL) {
		snprintf(t->message, sizeof(t->message), "filter: \"%s\" is not supported", wrong);
		return false;
	}
	json_decref(t->filter);
	t->filter = filter;
	snprintf(t->filter_text, sizeof(t->filter_text), "%s", text);
	return true;
}

static enum cli_exit read_options(struct top *t, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "i:S:f:", options, NULL)) != -1) {
		switch (opt) {
		case 'i':
			if (!text_number(optarg, 1, INTERVAL_SEC_MAX, &t->interval_sec)) {
				return cli_usage(&cmd_top, "invalid interval \"%s\"", optarg);
			}
			break;
		case 'S':
			if (!read_order(optarg, &t->order)) {
				return cli_usage(&cmd_top, "unknown order \"%s\"", optarg);
			}
			break;
		case 'f':
			if (!set_filter(t, optarg)) {
				return cli_usage(&cmd_top, "%s", t->message);
			}
			break;
		default:
			return cli_usage(&cmd_top, "invalid option");
		}
	}
	if (optind < argc) {
		return cli_usage(&cmd_top, "unexpected argument \"%s\"", argv[optind]);
	}
	return CLI_OK;
}

static enum cli_exit run_top(const struct cli *cli, int argc, char **argv)
{
	const struct sigaction end = { .sa_handler = on_signal };
	struct top *t = calloc(1, sizeof(*t));
	enum cli_exit code;

	if (t == NULL) {
		return cli_refuse(&cmd_top, "out of memory");
	}
	t->cli = cli;
	t->interval_sec = INTERVAL_SEC_DEFAULT;
	t->filter = json_object();
	t->now = &t->sample[0];
	code = read_options(t, argc, argv);
	if (code == CLI_OK && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		code = cli_refuse(&cmd_top, "needs a terminal; see finwall stats --watch");
	}
	if (code == CLI_OK) {
		/* Not restarted: a signal ends the wait for a key. */
		sigaction(SIGINT, &end, NULL);
		sigaction(SIGTERM, &end, NULL);
		sigaction(SIGHUP, &end, NULL);
		code = loop(t);
	}
	json_decref(t->filter);
	free(t);
	return code;
}

static int64_t now_msec(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static enum cli_exit on_stats(void *ctx, const json_t *reply)
{
	top_read_stats(ctx, reply);
	top_read_states(ctx, reply);
	return CLI_OK;
}

static enum cli_exit on_counts(void *ctx, const json_t *reply)
{
	top_read_counts(ctx, reply);
	return CLI_OK;
}

static enum cli_exit on_rows(void *ctx, const json_t *reply)
{
	top_read_rows(ctx, reply);
	return CLI_OK;
}

/* Replaces the older sample. rows: how many fit. */
static enum cli_exit update(struct top *t, int rows)
{
	struct top_sample *fresh = t->now == &t->sample[0] ? &t->sample[1] : &t->sample[0];
	enum cli_exit code;

	memset(fresh, 0, sizeof(*fresh));
	fresh->at_ms = now_msec();
	rows = rows < 1 ? 1 : rows > TOP_ROWS_MAX ? TOP_ROWS_MAX : rows;
	code = client_run(t->cli, &cmd_top, "GetStats", NULL, CTL_LAST, on_stats, fresh);
	if (code == CLI_OK && json_object_size(t->filter) > 0) {
		fresh->states_len = 0;
		code = client_run(t->cli, &cmd_top, "CountConnections",
		                  json_pack("{s:O}", "filter", t->filter), CTL_CONTINUES, on_counts,
		                  fresh);
	}
	if (code == CLI_OK) {
		code = client_run(t->cli, &cmd_top, "ListConnections",
		                  json_pack("{s:s, s:O, s:s, s:i}", "format", "json", "filter",
		                            t->filter, "sort", orders[t->order], "limit", rows),
		                  CTL_CONTINUES, on_rows, fresh);
	}
	if (code == CLI_OK) {
		top_compare(fresh, t->before != NULL ? t->now : NULL);
		t->before = t->now->at_ms != 0 ? t->now : fresh;
		t->now = fresh;
	}
	return code;
}

static void put_head(const struct top *t)
{
	const struct top_sample *s = t->now;
	const struct top_sample *b = t->before;
	char n[6][TOP_NUMBER_SIZE];

	mvprintw(0, 0, "finwall top - up %s, %llu of %llu connections, %llu of %llu remembered",
	         top_time(s->uptime_s, n[0]), (unsigned long long)s->connections,
	         (unsigned long long)s->connections_max, (unsigned long long)s->remembered,
	         (unsigned long long)s->remembered_max);
	mvprintw(1, 0, "packets/s: %s accepted, %s dropped, %s rejected; %s bit/s accepted",
	         top_number(top_rate(s, b, s->accepted, b->accepted), n[0]),
	         top_number(top_rate(s, b, s->dropped, b->dropped), n[1]),
	         top_number(top_rate(s, b, s->rejected, b->rejected), n[2]),
	         top_number(8 * top_rate(s, b, s->bytes, b->bytes), n[3]));
	mvprintw(2, 0, "queues: %s waiting, %llu lost; verdict p99: ",
	         top_number((double)s->waiting, n[0]), (unsigned long long)s->lost);
	if (s->verdict_p99_ns >= 0) {
		double us = (double)s->verdict_p99_ns / 1000;

		printw("%s %s", top_number(us < 9999.5 ? us : us / 1000, n[0]),
		       us < 9999.5 ? "us" : "ms");
	} else {
		addstr("not measured");
	}
	printw("; late closes passed: %s", top_number((double)s->late_passed, n[0]));
}

/* Its share of the accepted packets since the sample before. */
static const char *fast_path_text(const struct top *t, char out[TOP_NUMBER_SIZE])
{
	const struct top_sample *s = t->now;
	const struct top_sample *b = t->before;
	double all = top_rate(s, b, s->accepted, b->accepted);
	double fast = top_rate(s, b, s->fast_packets, b->fast_packets);

	if (!s->has_fast_path) {
		return "off";
	}
	(void)snprintf(out, TOP_NUMBER_SIZE, "%.0f %%", all > 0 ? 100 * fast / all : 0);
	return out;
}

/* As many states as fit. */
static void put_states(const struct top *t)
{
	const struct top_sample *s = t->now;
	char text[TOP_NUMBER_SIZE];

	move(3, 0);
	for (size_t i = 0; i < s->states_len; i++) {
		char part[64];
		char n[TOP_NUMBER_SIZE];
		int size = snprintf(part, sizeof(part), "%s%s %s", i > 0 ? "  " : "",
		                    s->states[i].name, top_number((double)s->states[i].count, n));

		if (getcurx(stdscr) + size > COLS) {
			break;
		}
		addstr(part);
	}
	if (s->has_hook_fault) {
		attron(A_BOLD);
		mvprintw(4, 0, "%s: %.*s", s->is_unfiltered ? "NOT FILTERING" : "HOOK RULES",
		         COLS > 16 ? COLS - 16 : 0, s->hook_fault);
		attroff(A_BOLD);
	} else {
		mvprintw(4, 0, "order: %s   every %llu s   fast path: %s   %sfilter: %s",
		         orders[t->order], (unsigned long long)t->interval_sec,
		         fast_path_text(t, text), t->is_paused ? "PAUSED   " : "",
		         *t->filter_text != '\0' ? t->filter_text : "none");
	}
}

/* Columns: the fixed ones need 50; the ends share the rest. */
static void put_rows(const struct top *t)
{
	const struct top_sample *s = t->now;
	bool is_counted = s->rows_len > 0 && s->rows[0].is_counted;
	int ends = (COLS - (is_counted ? 43 : 36)) / 2;

	ends = ends < 12 ? 12 : ends > 47 ? 47 : ends;
	attron(A_REVERSE);
	mvprintw(HEAD_LINES - 1, 0, "%-*s", COLS, "");
	mvprintw(HEAD_LINES - 1, 0, "%-6s %-*s %-*s %-11s ", "PROTO", ends, "FROM", ends, "TO",
	         "STATE");
	if (is_counted) {
		printw("%6s %6s %6s", "BYTES", "BIT/S", "IDLE");
	} else {
		printw("%7s %s", "EXPIRES", "IFACE");
	}
	attroff(A_REVERSE);
	for (size_t i = 0; i < s->rows_len && (int)i < LINES - OTHER_LINES + 1; i++) {
		const struct top_row *r = &s->rows[i];
		char n[3][TOP_NUMBER_SIZE];

		mvprintw(HEAD_LINES + (int)i, 0, "%-6.6s %-*.*s %-*.*s %-11.11s ", r->proto, ends,
		         ends, r->from, ends, ends, r->to, r->state);
		if (is_counted) {
			printw("%6s %6s %6s", top_number((double)r->bytes, n[0]),
			       r->bits_per_s < 0 ? "-" : top_number(r->bits_per_s, n[1]),
			       top_time(r->idle_s, n[2]));
		} else {
			printw("%7s %.*s", top_time(r->expires_s, n[0]), 10, r->ifname);
		}
	}
}

static void draw(const struct top *t)
{
	erase();
	put_head(t);
	put_states(t);
	put_rows(t);
	mvprintw(LINES - 1, 0, "%.*s", COLS - 1,
	         *t->message != '\0'
	                 ? t->message
	                 : "q quit  s order  f filter  space update  p pause  +/- interval");
	refresh();
}

static void read_new_filter(struct top *t)
{
	char text[sizeof(t->filter_text)];

	move(LINES - 1, 0);
	clrtoeol();
	addstr("filter (protocol, address, port, state, interface): ");
	echo();
	curs_set(1);
	timeout(-1);
	if (getnstr(text, sizeof(text) - 1) == OK) {
		(void)set_filter(t, text);
	}
	noecho();
	curs_set(0);
}

/* Returns false at the end. */
static bool handle_key(struct top *t, int key)
{
	*t->message = '\0';
	switch (key) {
	case 'q':
	case KEY_ESCAPE:
		return false;
	case 's':
	case '>':
		t->order = (t->order + 1) % ORDERS_LEN;
		break;
	case '<':
		t->order = (t->order + ORDERS_LEN - 1) % ORDERS_LEN;
		break;
	case 'f':
		read_new_filter(t);
		break;
	case 'p':
		t->is_paused = !t->is_paused;
		break;
	case '+':
		t->interval_sec += t->interval_sec < INTERVAL_SEC_MAX;
		break;
	case '-':
		t->interval_sec -= t->interval_sec > 1;
		break;
	default:
		break;
	}
	return true;
}

static enum cli_exit loop(struct top *t)
{
	enum cli_exit code = update(t, TOP_ROWS_MAX);
	SCREEN *screen;

	if (code != CLI_OK) {
		return code;
	}
	if (!t->now->rows[0].is_counted && t->now->rows_len > 0 && t->order == 0) {
		(void)read_order("expiry", &t->order);
	}
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL) {
		return cli_refuse(&cmd_top, "unknown terminal \"%s\": set TERM",
		                  getenv("TERM") != NULL ? getenv("TERM") : "");
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	while (!is_ended && code == CLI_OK) {
		int key;

		draw(t);
		timeout(t->is_paused ? -1 : (int)t->interval_sec * 1000);
		key = getch();
		if (is_ended || !handle_key(t, key)) {
			break;
		}
		if (!t->is_paused) {
			code = update(t, LINES - OTHER_LINES + 1);
		}
	}
	endwin();
	delscreen(screen);
	return code;
}
