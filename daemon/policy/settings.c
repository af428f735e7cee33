/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings blocks. A row has block, name, kind, limits and default; parser, checks and printer use
 * it. The rows of the engine are in daemon/core/tunables.c, those of the daemon here.
 */
#include "settings.h"
#include "suggest.h"

#include "error.h"
#include "value.h"

#include "text/cpulist.h"
#include "text/num.h"
#include "text/server.h"

#include <inttypes.h>
#include <string.h>

static const char *const fail_words[] = { "drop", "accept", NULL };
static const char *const backend_words[] = { "auto", "nft", "iptables", NULL };
static const char *const stop_words[] = { "down", "keep", NULL };
static const char *const watch_words[] = { "restore", "report", "off", NULL };
/* In the order of enum fast_path_mode. */
static const char *const fast_path_words[] = { "auto", "on", "off", NULL };
/* Words for the counts 0, 1 and so on. */
static const char *const auto_words[] = { "auto", NULL };
static const char *const full_words[] = { "full", NULL };
static const char *const off_words[] = { "off", NULL };
/* In the order of enum prefault. */
static const char *const prefault_words[] = { "auto", "off", "on", NULL };
static const char *const none_words[] = { "none", NULL };
/* In the order of enum replicate. */
static const char *const replicate_words[] = { "async", "before-accept", NULL };

/* Each queue has a worker, so this limits threads. */
#define QUEUE_COUNT_MAX 1024u

/* clang-format off */
#define ROW(block, name, field, kind, choices, dflt, min, max, text) \
	{ block, name, choices, offsetof(struct settings, field), kind, dflt, min, max, text }
#define COUNT(block, name, field, words, dflt, min, max, text) \
	ROW(block, name, field, TUNABLE_COUNT, words, dflt, min, max, text)
#define CHOICE(block, name, field, words, dflt, max, text) \
	ROW(block, name, field, TUNABLE_CHOICE, words, dflt, 0, max, text)

static const struct tunable shell_table[] = {
	COUNT("queue", "num", queue_num, NULL, 0, 0, QUEUES_MAX - 1, "number of the first queue"),
	COUNT("queue", "count", queue_count, auto_words, 0, 1, QUEUE_COUNT_MAX, "queues, with a worker each; auto: one per CPU"),
	COUNT("queue", "length", queue_len, NULL, 65536, 1, 16777216, "packets that the kernel may hold, per queue"),
	COUNT("queue", "receive-buffer", queue_rcvbuf_bytes, NULL, 64 << 20, 65536, 1 << 30, "bytes of the socket's receive buffer, per queue"),
	COUNT("queue", "copy", queue_copy_bytes, full_words, 256, 64, 65535, "bytes of each packet that are copied; full: all of it"),
	CHOICE("queue", "on-absent", on_absent, fail_words, FAIL_DROP, 1, "packets while no daemon is bound to the queue"),
	CHOICE("queue", "on-overload", on_overload, fail_words, FAIL_DROP, 1, "packets while queue or buffer is full"),
	ROW("queue", "pin", queue_pin, TUNABLE_CPUS, NULL, 0, 0, 0, "CPUs that the workers are pinned to, one each in turn"),
	ROW("queue", "spin", queue_spin_us, TUNABLE_MICROSECONDS, off_words, 0, 1, 10000, "how long an idle worker polls before it sleeps"),
	ROW("queue", "latency", queue_latency, TUNABLE_SWITCH, NULL, 0, 0, 1, "measure how long packets wait"),
	ROW("hook", "loopback", loopback, TUNABLE_SWITCH, NULL, 0, 0, 1, "queue packets on lo too"),
	CHOICE("hook", "backend", backend, backend_words, BACKEND_AUTO, 2, "how hook rules are put into the kernel"),
	ROW("hook", "defragment", defragment, TUNABLE_SWITCH, NULL, 1, 0, 1, "reassemble fragments before they are queued"),
	ROW("hook", "compare-kernel", compare_kernel, TUNABLE_SWITCH, NULL, 0, 0, 1, "compare the state of each packet with the kernel tracker's"),
	CHOICE("hook", "on-stop", on_stop, stop_words, ON_STOP_DOWN, 1, "hook rules when the service is stopped by hand"),
	ROW("hook", "mark", hook_mark, TUNABLE_MARK, NULL, 0, 0, 0, "mark and mask of packets that finwall sends"),
	CHOICE("hook", "watch", hook_watch, watch_words, HOOK_WATCH_RESTORE, 2, "when hook rules are missing, bypassed or out of date"),
	COUNT("hook", "admin-port", admin_port, none_words, 0, 1, 65535, "TCP port of this machine that can be reached while no daemon runs"),
	CHOICE("hook", "fast-path", fast_path, fast_path_words, FAST_PATH_AUTO, 2, "the kernel accepts and tracks decided connections by itself"),
	ROW("hook", "fast-path-grace", fast_path_grace_s, TUNABLE_DURATION, NULL, 10, 1, 3600, "how long it does so after the daemon has gone, with on-absent drop"),
	COUNT("hook", "fast-path-max", fast_path_max, NULL, 65536, 1024, 1 << 21, "connections at most that it tracks at a time"),
	COUNT("connections", "max", connections_max, NULL, 1 << 20, 1, 1 << 28, "live connections"),
	COUNT("connections", "remember-max", remember_max, NULL, 1 << 20, 0, 1 << 28, "expired connections that are remembered"),
	CHOICE("connections", "prefault", prefault, prefault_words, PREFAULT_AUTO, 2, "allocate the tables' memory at the start; auto: if it is a small part of what is available"),
	ROW("connections", "accounting", accounting, TUNABLE_SWITCH, NULL, 0, 0, 1, "count packets and bytes of each connection"),
	ROW("events", "journal", events_journal, TUNABLE_SWITCH, NULL, 0, 0, 1, "lines about packets go to the journal, with fields"),
	ROW("events", "syslog", events_syslog, TUNABLE_SWITCH, NULL, 0, 0, 1, "lines about packets go to /dev/log"),
	ROW("events", "packets", events_packets, TUNABLE_PATH, NULL, 0, 0, 0, "file for logged packets, as pcap of NFLOG"),
	ROW("events", "accounting", events_accounting, TUNABLE_PATH, NULL, 0, 0, 0, "file for a record of each connection that ended, as JSON"),
	COUNT("events", "file-size", events_file_bytes, NULL, 64 << 20, 65536, 1 << 30, "bytes after which these files become FILE.1"),
	ROW("state", "file", state_file, TUNABLE_PATH, NULL, 0, 0, 0, "where connections are saved for the next start"),
	ROW("state", "interval", state_interval_s, TUNABLE_DURATION, NULL, 60, 1, 86400, "between two saves while the daemon runs"),
	ROW("state", "import-kernel", import_kernel, TUNABLE_SWITCH, NULL, 1, 0, 1, "a start without saved connections imports those of the kernel's tracker"),
	ROW("control", "group", control_group, TUNABLE_NAME, NULL, 0, 0, 0, "group whose members may read by the control socket"),
	COUNT("metrics", "port", metrics_port, none_words, 0, 1024, 65535, "TCP port on the loopback addresses where metrics can be read"),
	ROW("metrics", "socket", metrics_socket, TUNABLE_PATH, NULL, 0, 0, 0, "UNIX socket where metrics can be read"),
	ROW("metrics", "file", metrics_file, TUNABLE_PATH, NULL, 0, 0, 0, "file that metrics are written to, for node_exporter"),
	ROW("metrics", "interval", metrics_interval_s, TUNABLE_DURATION, NULL, 15, 1, 86400, "between two writes of that file"),
	ROW("cluster", "engine", cluster_engine, TUNABLE_SERVERS, NULL, 0, 0, 0, "servers of the engine that nodes share state through, in the order in which they are tried"),
	ROW("cluster", "group", cluster_group, TUNABLE_NAME, NULL, 0, 0, 0, "name of the nodes that share state; none: default"),
	ROW("cluster", "node", cluster_node, TUNABLE_NAME, NULL, 0, 0, 0, "name of this node, unique in its group; none: that of the host"),
	ROW("cluster", "user", cluster_user, TUNABLE_NAME, NULL, 0, 0, 0, "user of the engine"),
	ROW("cluster", "password-file", cluster_password, TUNABLE_PATH, NULL, 0, 0, 0, "file with the password for the engine in its first line"),
	ROW("cluster", "tls", cluster_tls, TUNABLE_SWITCH, NULL, 0, 0, 1, "the connection to the engine is encrypted, and the engine has to prove its address"),
	ROW("cluster", "tls-ca", cluster_tls_ca, TUNABLE_PATH, NULL, 0, 0, 0, "file with the certificates of those who may vouch for the engine; none: the system's"),
	ROW("cluster", "tls-certificate", cluster_tls_certificate, TUNABLE_PATH, NULL, 0, 0, 0, "file with this node's certificate"),
	ROW("cluster", "tls-key", cluster_tls_key, TUNABLE_PATH, NULL, 0, 0, 0, "file with its private key"),
	ROW("cluster", "interval", cluster_interval_ms, TUNABLE_MILLISECONDS, NULL, 50, 1, 1000, "between two messages to the other nodes"),
	CHOICE("cluster", "replicate", cluster_replicate, replicate_words, REPLICATE_ASYNC, 1, "whether a packet that opens a connection waits until the engine has it"),
	ROW("cluster", "replicate-timeout", cluster_timeout_ms, TUNABLE_MILLISECONDS, NULL, 10, 1, 1000, "how long such a packet waits at most"),
	ROW("cluster", "snapshot", cluster_snapshot_s, TUNABLE_DURATION, NULL, 60, 5, 3600, "between two lists of all connections for the other nodes"),
	ROW("cluster", "sets", cluster_sets, TUNABLE_SWITCH, NULL, 0, 0, 1, "changes of sets by command are for all nodes"),
};
/* clang-format on */

#define SHELL_LEN (sizeof(shell_table) / sizeof(shell_table[0]))

static const char *const blocks[] = { "queue",   "hook",    "connections", "events", "state",
	                              "control", "metrics", "cluster",     "tcp",    "udp",
	                              "icmp",    "icmpv6",  "generic" };

/* The longest path: the state file's other names are longer by an ending. */
#define PATH_SIZE_MAX 4000

/* Rows whose value is text, const char * in struct settings. */
static bool is_text(const struct tunable *row)
{
	return row->kind == TUNABLE_PATH || row->kind == TUNABLE_CPUS ||
	       row->kind == TUNABLE_NAME || row->kind == TUNABLE_SERVERS;
}

/* The row has two numbers, mark and mask. */
static bool is_mark(const struct tunable *row)
{
	return row->kind == TUNABLE_MARK;
}

#define BLOCKS_LEN (sizeof(blocks) / sizeof(blocks[0]))

/* A row and where its value lives. */
struct setting {
	const struct tunable *row;
	bool is_shell;
	size_t nr; /* among all */
};

static bool setting_at(size_t nr, struct setting *out)
{
	out->nr = nr;
	out->is_shell = nr < SHELL_LEN;
	if (out->is_shell) {
		out->row = &shell_table[nr];
	} else if (nr - SHELL_LEN < tunables_table_len) {
		out->row = &tunables_table[nr - SHELL_LEN];
	} else {
		return false;
	}
	return true;
}

static int64_t setting_get(const struct config *c, const struct setting *s)
{
	uint32_t number;

	if (!s->is_shell) {
		return tunable_get(&c->tunables, s->row);
	}
	if (is_text(s->row) || is_mark(s->row)) {
		return 0;
	}
	memcpy(&number, (const char *)&c->settings + s->row->offset, sizeof(number));
	return number;
}

static void set_shell(struct settings *settings, const struct tunable *row, int64_t value)
{
	uint32_t number = (uint32_t)value;

	memcpy((char *)settings + row->offset, &number, sizeof(number));
}

static const char *get_text(const struct config *c, const struct tunable *row)
{
	const char *text;

	memcpy(&text, (const char *)&c->settings + row->offset, sizeof(text));
	return text;
}

static void set_text(struct config *c, const struct tunable *row, const char *text)
{
	memcpy((char *)&c->settings + row->offset, &text, sizeof(text));
}

void settings_init(struct settings *s)
{
	for (size_t i = 0; i < SHELL_LEN; i++) {
		if (!is_text(&shell_table[i]) && !is_mark(&shell_table[i])) {
			set_shell(s, &shell_table[i], shell_table[i].dflt);
		}
	}
	s->hook_mark = HOOK_MARK_DEFAULT;
	s->hook_mark_mask = HOOK_MARK_MASK_DEFAULT;
	s->queue_pin = NULL;
	s->control_group = NULL;
	s->metrics_socket = NULL;
	s->metrics_file = NULL;
	s->state_file = FINWALL_STATE_PATH;
	s->events_packets = NULL;
	s->events_accounting = NULL;
	s->cluster_engine = NULL;
	s->cluster_group = NULL;
	s->cluster_node = NULL;
	s->cluster_user = NULL;
	s->cluster_password = NULL;
	s->cluster_tls_ca = NULL;
	s->cluster_tls_certificate = NULL;
	s->cluster_tls_key = NULL;
}

bool settings_open_block(struct config *c, struct loc loc, const char *block)
{
	struct text names = { .arena = &c->arena };

	for (size_t i = 0; i < BLOCKS_LEN; i++) {
		if (strcmp(blocks[i], block) == 0) {
			return true;
		}
		text_add(&names, i == 0 ? "%s" : i + 1 < BLOCKS_LEN ? ", %s" : " or %s", blocks[i]);
	}
	config_error(c, loc, "unknown settings block \"%.64s\", expected %s", block, names.at);
	return false;
}

/* The words of a row as "a, b or c". */
static const char *words_of(struct arena *a, const char *const *words)
{
	struct text t = { .arena = a };

	for (size_t i = 0; words[i] != NULL; i++) {
		text_add(&t, i == 0 ? "%s" : words[i + 1] != NULL ? ", %s" : " or %s", words[i]);
	}
	return t.at;
}

static void duration_print(struct text *t, int64_t sec);
static void count_print(struct text *t, int64_t n);

/* "1s to 248d", "off or on": the values of a row. */
static const char *range_of(struct arena *a, const struct tunable *row)
{
	struct text t = { .arena = a };

	switch (row->kind) {
	case TUNABLE_DURATION:
		duration_print(&t, row->min);
		text_add(&t, " to ");
		duration_print(&t, row->max);
		text_add(&t, ", written like 90s, 20m, 12h or 5d");
		break;
	case TUNABLE_SWITCH:
		text_add(&t, "on or off");
		break;
	case TUNABLE_COUNT:
		count_print(&t, row->min);
		text_add(&t, " to ");
		count_print(&t, row->max);
		if (row->choices != NULL) {
			text_add(&t, " or %s", words_of(a, row->choices));
		}
		break;
	case TUNABLE_CHOICE:
		text_add(&t, "%s", words_of(a, row->choices));
		break;
	case TUNABLE_PATH:
		text_add(&t, "an absolute path, or none");
		break;
	case TUNABLE_NAME:
		text_add(&t, "a name of at most 32 letters, digits, - and _, or none");
		break;
	case TUNABLE_SERVERS:
		text_add(&t, "redis://ADDRESS:PORT, redis://[ADDRESS]:PORT or unix:PATH, several "
		             "with commas and without blanks, or none");
		break;
	case TUNABLE_MILLISECONDS:
		text_add(&t, "%" PRId64 "ms to %" PRId64 "ms", row->min, row->max);
		break;
	case TUNABLE_CPUS:
		text_add(&t, "on, off, or processors like 0-3,6");
		break;
	case TUNABLE_MARK:
		text_add(&t,
		         "MARK/MASK like 0x%08x/0x%08x: not 0, and no bit of the mark outside "
		         "the mask",
		         HOOK_MARK_DEFAULT, HOOK_MARK_MASK_DEFAULT);
		break;
	case TUNABLE_MICROSECONDS:
		text_add(&t, "%" PRId64 "us to %" PRId64 "us or %s", row->min, row->max,
		         words_of(a, row->choices));
		break;
	}
	return t.at;
}

/* A number with a unit, or -1. */
static int64_t read_with_unit(int (*read)(const char *text, size_t size, enum text_unit unit,
                                          int64_t *out),
                              const struct value *v)
{
	int64_t n;

	if (v->kind != VALUE_WORD || read(v->text, strlen(v->text), TEXT_UNIT_REQUIRED, &n) != 0) {
		return -1;
	}
	return n;
}

/* "50ms", or -1. */
static int64_t read_milliseconds(const struct value *v)
{
	uint64_t ms;

	if (v->kind != VALUE_WORD || !text_duration_ms(v->text, strlen(v->text), &ms)) {
		return -1;
	}
	return (int64_t)ms;
}

static int64_t read_word(const char *const *words, const char *word)
{
	for (int64_t i = 0; words != NULL && words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0) {
			return i;
		}
	}
	return -1;
}

/* The value of a row, or -1. */
static int64_t read_value(const struct tunable *row, const struct value *v)
{
	static const char *const switch_words[] = { "off", "on", NULL };
	int64_t n;

	if ((row->kind == TUNABLE_COUNT || row->kind == TUNABLE_MICROSECONDS) &&
	    v->kind == VALUE_WORD) {
		n = read_word(row->choices, v->text);
		if (n >= 0) {
			return n;
		}
	}
	switch (row->kind) {
	case TUNABLE_DURATION:
		n = read_with_unit(text_duration, v);
		break;
	case TUNABLE_SWITCH:
		return v->kind == VALUE_WORD ? read_word(switch_words, v->text) : -1;
	case TUNABLE_COUNT:
		n = v->kind == VALUE_NUMBER ? (int64_t)(v->number & INT64_MAX)
		                            : read_with_unit(text_quantity, v);
		break;
	case TUNABLE_MICROSECONDS:
		n = read_with_unit(text_microseconds, v);
		break;
	case TUNABLE_MILLISECONDS:
		n = read_milliseconds(v);
		break;
	case TUNABLE_CHOICE:
		return v->kind == VALUE_NUMBER ? -1 : read_word(row->choices, v->text);
	default:
		return -1;
	}
	return n >= row->min && n <= row->max ? n : -1;
}

/* A path, or NULL for `none`. Returns 0, or -1 for anything else. */
static int64_t read_path(const struct value *v, const char **out)
{
	if (v->kind != VALUE_WORD) {
		return -1;
	}
	*out = strcmp(v->text, "none") == 0 ? NULL : v->text;
	return *out == NULL || ((*out)[0] == '/' && strlen(*out) <= PATH_SIZE_MAX) ? 0 : -1;
}

/* A name, or NULL for `none`. Returns 0, or -1 for anything else. */
static int64_t read_name(const struct value *v, const char **out)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (v->kind != VALUE_WORD) {
		return -1;
	}
	*out = strcmp(v->text, "none") == 0 ? NULL : v->text;
	return *out == NULL || ((*out)[strspn(*out, letters)] == '\0' && strlen(*out) <= 32) ? 0
	                                                                                     : -1;
}

static const char *value_text(struct arena *a, const struct value *v);

/* A CPU list as text, NULL for `off`. Returns 0, or -1 when it is not a CPU list. */
static int64_t read_cpus(struct arena *a, const struct value *v, const char **out)
{
	const char *text;

	if (v->kind != VALUE_WORD && v->kind != VALUE_NUMBER) {
		return -1;
	}
	text = value_text(a, v);
	*out = strcmp(text, "off") == 0 ? NULL : text;
	return *out == NULL || strcmp(text, "on") == 0 || cpulist_len(text) > 0 ? 0 : -1;
}

/* A list of servers, or NULL for `none`. Returns 0, or -1 for anything else. */
static int64_t read_servers(const struct value *v, const char **out)
{
	struct text_server server;
	const char *at;

	if (v->kind != VALUE_WORD) {
		return -1;
	}
	*out = strcmp(v->text, "none") == 0 ? NULL : v->text;
	for (at = v->text; *out != NULL && *at != '\0';) {
		if (!text_server_next(&at, &server)) {
			return -1;
		}
	}
	return 0;
}

/* The text of a row. Returns 0, or -1 when it is not valid. */
static int64_t read_text(struct arena *a, const struct tunable *row, const struct value *v,
                         const char **out)
{
	switch (row->kind) {
	case TUNABLE_PATH:
		return read_path(v, out);
	case TUNABLE_NAME:
		return read_name(v, out);
	case TUNABLE_SERVERS:
		return read_servers(v, out);
	default:
		return read_cpus(a, v, out);
	}
}

static const char *value_text(struct arena *a, const struct value *v)
{
	struct text t = { .arena = a };

	if (v->kind == VALUE_NUMBER) {
		text_add(&t, "%" PRIu64, v->number);
	} else {
		text_add(&t, "%.64s", v->text);
	}
	return t.at;
}

/* Reads "MARK/MASK" of 32 bits each. Returns 0, or -1 when it is not valid. */
static int64_t read_mark(const struct value *v, uint32_t *mark, uint32_t *mask)
{
	uint64_t numbers[2];
	const char *end;
	const char *at;

	if (v->kind != VALUE_WORD) {
		return -1;
	}
	end = v->text + strlen(v->text);
	at = scan_number(v->text, end, UINT32_MAX, &numbers[0]);
	if (at == NULL || *at != '/') {
		return -1;
	}
	if (scan_number(at + 1, end, UINT32_MAX, &numbers[1]) != end || numbers[0] == 0 ||
	    (numbers[0] & ~numbers[1]) != 0) {
		return -1;
	}
	*mark = (uint32_t)numbers[0];
	*mask = (uint32_t)numbers[1];
	return 0;
}

/* Finds the row of "timeout established" from the words before the value. */
static bool setting_find(struct config *c, const char *block, const struct value *words,
                         const struct value *last, struct setting *out)
{
	struct text name = { .arena = &c->arena };
	struct suggest similar = { .text = "" };

	for (const struct value *w = words; w != last; w = w->next) {
		text_add(&name, w == words ? "%s" : " %s", value_text(&c->arena, w));
	}
	for (size_t nr = 0; setting_at(nr, out); nr++) {
		if (strcmp(out->row->block, block) != 0) {
			continue;
		}
		if (name.at != NULL && strcmp(out->row->name, name.at) == 0) {
			return true;
		}
		similar.text = name.at != NULL ? name.at : "";
		suggest_consider(&similar, out->row->name);
	}
	if (name.at == NULL) {
		config_error(c, words->loc, "\"%s\" has no value, expected a name and a value",
		             value_text(&c->arena, words));
		return false;
	}
	config_error(c, words->loc, "%s has no setting \"%.64s\", expected %s%s", block, name.at,
	             suggest_list(&similar, &c->arena), suggest_question(&similar, &c->arena));
	return false;
}

void settings_apply(struct config *c, const char *block, const struct value *words)
{
	const struct value *last = words;
	const char *text = NULL;
	struct setting s;
	uint32_t mark = 0;
	uint32_t mask = 0;
	int64_t value;

	while (last->next != NULL) {
		last = last->next;
	}
	if (!setting_find(c, block, words, last, &s)) {
		return;
	}
	if (is_text(s.row)) {
		value = read_text(&c->arena, s.row, last, &text);
	} else {
		value = is_mark(s.row) ? read_mark(last, &mark, &mask) : read_value(s.row, last);
	}
	if (value < 0) {
		config_error(c, last->loc, "%s cannot be \"%s\", expected %s", s.row->name,
		             value_text(&c->arena, last), range_of(&c->arena, s.row));
		return;
	}
	if (c->setting_loc[s.nr].line != 0) {
		config_error(c, words->loc, "%s is set twice, expected it once (it is in line %u)",
		             s.row->name, c->setting_loc[s.nr].line);
		return;
	}
	c->setting_loc[s.nr] = last->loc;
	if (is_text(s.row)) {
		set_text(c, s.row, text);
	} else if (is_mark(s.row)) {
		c->settings.hook_mark = mark;
		c->settings.hook_mark_mask = mask;
	} else if (s.is_shell) {
		set_shell(&c->settings, s.row, value);
	} else {
		tunable_set(&c->tunables, s.row, value);
	}
}

/* The position of the value of a setting of the daemon; line 0 when it has its default. */
static struct loc shell_loc(const struct config *c, size_t offset)
{
	size_t nr = 0;

	while (shell_table[nr].offset != offset) {
		nr++;
	}
	return c->setting_loc[nr];
}

void settings_check(struct config *c)
{
	struct loc num = shell_loc(c, offsetof(struct settings, queue_num));
	struct loc count = shell_loc(c, offsetof(struct settings, queue_count));
	uint32_t cap = QUEUES_MAX - c->settings.queue_num;

	if (c->settings.queue_count == 0 && cap < QUEUE_COUNT_MAX) {
		config_error(c, num.line != 0 ? num : count,
		             "count auto can need %u queues, but num %u leaves %u numbers, "
		             "expected num 0 to %u, or a count",
		             QUEUE_COUNT_MAX, c->settings.queue_num, cap,
		             QUEUES_MAX - QUEUE_COUNT_MAX);
	}
	if (c->settings.queue_count > cap) {
		config_error(c, count,
		             "%u queues from num %u on exceed 65535, expected a "
		             "count of at most %u",
		             c->settings.queue_count, c->settings.queue_num, cap);
	}
}

static void duration_print(struct text *t, int64_t sec)
{
	if (sec % 86400 == 0) {
		text_add(t, "%" PRId64 "d", sec / 86400);
	} else if (sec % 3600 == 0) {
		text_add(t, "%" PRId64 "h", sec / 3600);
	} else if (sec % 60 == 0) {
		text_add(t, "%" PRId64 "m", sec / 60);
	} else {
		text_add(t, "%" PRId64 "s", sec);
	}
}

static void count_print(struct text *t, int64_t n)
{
	if (n >= 65536 && n % (1 << 20) == 0) {
		text_add(t, "%" PRId64 "M", n >> 20);
	} else if (n >= 65536 && n % 1024 == 0) {
		text_add(t, "%" PRId64 "K", n >> 10);
	} else {
		text_add(t, "%" PRId64, n);
	}
}

/* The word for a row whose text is NULL. */
static const char *text_or_word(const struct config *c, const struct tunable *row)
{
	const char *text = get_text(c, row);

	return text != NULL ? text : row->kind == TUNABLE_CPUS ? "off" : "none";
}

static const char *path_default(const struct tunable *row)
{
	return row->offset == offsetof(struct settings, state_file) ? FINWALL_STATE_PATH : "none";
}

static bool is_default(const struct config *c, const struct setting *s)
{
	switch (s->row->kind) {
	case TUNABLE_PATH:
		return strcmp(text_or_word(c, s->row), path_default(s->row)) == 0;
	case TUNABLE_CPUS:
	case TUNABLE_NAME:
	case TUNABLE_SERVERS:
		return get_text(c, s->row) == NULL;
	case TUNABLE_MARK:
		return c->settings.hook_mark == HOOK_MARK_DEFAULT &&
		       c->settings.hook_mark_mask == HOOK_MARK_MASK_DEFAULT;
	default:
		return setting_get(c, s) == s->row->dflt;
	}
}

static void setting_print(struct text *t, const struct config *c, const struct setting *s)
{
	const struct tunable *row = s->row;
	int64_t value = setting_get(c, s);

	text_add(t, "\t\t%s ", row->name);
	switch (row->kind) {
	case TUNABLE_DURATION:
		duration_print(t, value);
		break;
	case TUNABLE_SWITCH:
		text_add(t, "%s", value != 0 ? "on" : "off");
		break;
	case TUNABLE_COUNT:
		if (value < row->min) {
			text_add(t, "%s", row->choices[value]);
		} else {
			count_print(t, value);
		}
		break;
	case TUNABLE_CHOICE:
		text_add(t, "%s", row->choices[value]);
		break;
	case TUNABLE_PATH:
	case TUNABLE_CPUS:
	case TUNABLE_NAME:
	case TUNABLE_SERVERS:
		text_add(t, "%s", text_or_word(c, row));
		break;
	case TUNABLE_MILLISECONDS:
		text_add(t, "%" PRId64 "ms", value);
		break;
	case TUNABLE_MARK:
		text_add(t, "0x%08x/0x%08x", c->settings.hook_mark, c->settings.hook_mark_mask);
		break;
	case TUNABLE_MICROSECONDS:
		if (value < row->min) {
			text_add(t, "%s", row->choices[value]);
		} else {
			text_add(t, "%" PRId64 "us", value);
		}
		break;
	}
	text_add(t, "\n");
}

void settings_print(struct text *t, const struct config *c, enum settings_which which)
{
	bool is_open = false;
	struct setting s;

	for (size_t b = 0; b < BLOCKS_LEN; b++) {
		bool has_block = false;

		for (size_t nr = 0; setting_at(nr, &s); nr++) {
			if (strcmp(s.row->block, blocks[b]) != 0 ||
			    (which == SETTINGS_CHANGED && is_default(c, &s))) {
				continue;
			}
			if (!has_block) {
				text_add(t, "%s\t%s {\n", is_open ? "" : "settings {\n", blocks[b]);
			}
			is_open = true;
			has_block = true;
			setting_print(t, c, &s);
		}
		if (has_block) {
			text_add(t, "\t}\n");
		}
	}
	if (is_open) {
		text_add(t, "}\n");
	}
}
