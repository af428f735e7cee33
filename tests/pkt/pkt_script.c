/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a packet script against the engine.
 *
 * usage: pkt_script [--ipv6] [--lazy] FILE
 *
 * --ipv6 runs the same script with IPv6 addresses; --lazy runs no tick between packets. The
 * observable result must be the same. Exit 0: as expected, 1: not, 2: usage, 77: not for this
 * family.
 *
 * A script consists of lines; "#" starts a comment. The notation is packetdrill's where it has one.
 *
 *   +1.5s > S 1000:1000(0) win 65535 <mss 1460,sackOK,wscale 7> : new tcp-open accept
 *   ^     ^ ^ ^            ^         ^                          ^
 *   |     | | |            |         options                    expected decision: any of
 *   |     | | |            ack N, win N                         connection state, reason, verdict
 *   |     | | first:last(size)
 *   |     | flags: S F R P . (ACK) U E W, or "none"
 *   |     > from client to server (hook input), < back (hook output)
 *   time that passes before the packet: 300ms 2s 5m 1h 5d; default 0
 *
 *   > udp size 100              < icmp echo-reply id 5          > proto 50
 *   < icmp unreachable quote tcp        an error from a router to the client, quoting his packet;
 *                               quote udp|echo|tcp, then other-port, misdirected
 *   after any packet: port N (the client's), id N, code N, size N, copied N (bytes that the kernel
 *   copied), fragment N (IPv4 field), bad-checksum, hook input|forward|output
 *
 *   entry ESTABLISHED assured replied timeout 300s     about the entry; also unassured, unreplied,
 *   entry udp timeout 30s                              revived, maxwin client|server N
 *   no entry | remembered | not remembered             each may name udp, echo, proto N, and port N
 *   flows N | tombs N | count NAME N                   counts; NAME is a reason or an event
 *
 *   set tcp.timeout-established 20s    any tunable
 *   accept new established related     accept these states and drop the others
 *                                      (at the start: all but invalid)
 *   config FILE                        settings and rules of FILE, relative to the script
 *   limits flows N tombs N shards N    before the first packet
 *   only ipv4 | only ipv6
 */
#include <finwall/config.h>

#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIP 77

static const char *file_name;
static unsigned line_nr;
static const char *line_text;

struct run {
	struct world world;
	struct script_net net;
	bool is_lazy;
	uint32_t flows_max;
	uint32_t tombs_max;
	uint32_t shards_len;
	struct ruleset *compiled; /* from a "config" line, or NULL */
};

void script_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", file_name, line_nr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n    %s\n", line_text);
	exit(EXIT_FAILURE);
}

/* Allocates memory at the first line that needs it, when the limits are known. */
static struct world *world_of(struct run *r)
{
	if (r->world.engine == NULL) {
		world_init(&r->world, r->flows_max, r->tombs_max, r->shards_len);
		world_accept(&r->world, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	}
	return &r->world;
}

static bool is_ct_state(const char *word, enum ct_state *s)
{
	for (unsigned i = 0; i < CT_STATES_LEN; i++) {
		if (strcmp(word, ct_state_name((enum ct_state)i)) == 0) {
			*s = (enum ct_state)i;
			return true;
		}
	}
	return false;
}

/* One word after the ":". */
static void expect(const struct decision *d, const char *word)
{
	const char *is[3] = { ct_state_name((enum ct_state)d->state),
		              reason_name((enum reason)d->reason),
		              verdict_name((enum verdict)d->verdict) };
	enum ct_state state;
	bool known = is_ct_state(word, &state);

	for (unsigned r = 0; r < REASONS_LEN; r++) {
		known |= strcmp(word, reason_name((enum reason)r)) == 0;
	}
	for (unsigned v = 0; v < VERDICTS_LEN; v++) {
		known |= strcmp(word, verdict_name((enum verdict)v)) == 0;
	}
	if (!known) {
		script_die("unknown state, reason or verdict: %s", word);
	}
	if (strcmp(word, is[0]) != 0 && strcmp(word, is[1]) != 0 && strcmp(word, is[2]) != 0) {
		script_die("expected %s, got: %s %s %s, %s", word, is[0], is[1], is[2],
		           tcp_state_name((enum tcp_state)d->tcp_state));
	}
}

static void do_packet(struct run *r, struct words *w)
{
	struct world *world = world_of(r);
	struct script_packet p;
	uint8_t data[BUILD_MAX];
	struct frame f;
	struct decision d;
	size_t size;

	script_read_packet(w, &r->net, &p);
	size = build_packet(&p.build, data);
	if (p.bad_checksum) {
		data[size - 1] ^= 0x55;
	}
	f = build_frame(data, size);
	f.hook = (uint8_t)p.hook;
	f.iif = p.hook == HOOK_OUTPUT ? 0 : 1;
	f.oif = p.hook == HOOK_INPUT ? 0 : 2;
	if (p.cap_size >= 0) {
		f.cap_size = (uint32_t)p.cap_size;
	}
	engine_batch(world->engine, world->worker, world->now, &f, 1, &d);
	if (words_accept(w, ":")) {
		do {
			expect(&d, words_next(w));
		} while (words_peek(w) != NULL);
	}
}

static void check_state(const struct flow *f, const char *word)
{
	const char *is = tcp_state_name((enum tcp_state)f->conn.tcp.state);

	if (f->key.proto != IPPROTO_NR_TCP || strcmp(is, word) != 0) {
		script_die("expected an entry in %s, is in %s", word, is);
	}
}

static void check_flag(const struct flow *f, unsigned flag, bool must, const char *word)
{
	if (((f->status & flag) != 0) != must) {
		script_die("the entry is not %s", word);
	}
}

static void check_left(const struct flow *f, struct mono now, int64_t must_ns)
{
	int64_t left_ns = mono_diff(f->deadline, now);

	if (left_ns != must_ns) {
		script_die("expected a timeout of %.9f s, is %.9f s", (double)must_ns / 1e9,
		           (double)left_ns / 1e9);
	}
}

static void check_maxwin(const struct flow *f, struct words *w, const struct script_net *net)
{
	bool client = words_accept(w, "client");
	bool client_is_lo = memcmp(&f->key.lo, &net->client, sizeof(net->client)) == 0;
	bool orig_is_lo = flow_orig_side(f) == SIDE_LO;
	enum flow_dir dir;
	uint32_t must;

	if (!client && !words_accept(w, "server")) {
		script_die("maxwin client|server N");
	}
	dir = (client == client_is_lo) == orig_is_lo ? DIR_ORIG : DIR_REPLY;
	must = script_number(words_next(w));
	if (f->conn.tcp.seen[dir].maxwin_bytes != must) {
		script_die("expected %u, is %u", must, f->conn.tcp.seen[dir].maxwin_bytes);
	}
}

/* The connection of an assertion: [udp|echo|proto N] [port N] */
static struct build subject(struct run *r, struct words *w)
{
	struct build b = script_subject(w, &r->net);

	if (words_accept(w, "port")) {
		b.sport = (uint16_t)script_number(words_next(w));
	}
	if (words_accept(w, "id")) {
		b.id = (uint16_t)script_number(words_next(w));
	}
	return b;
}

static void do_entry(struct run *r, struct words *w)
{
	struct world *world = world_of(r);
	struct build b = subject(r, w);
	struct flow f;

	if (!world_flow(world, &b, &f)) {
		script_die("no entry");
	}
	while (words_peek(w) != NULL) {
		const char *word = words_next(w);

		if (strcmp(word, "assured") == 0 || strcmp(word, "unassured") == 0) {
			check_flag(&f, FLOW_ASSURED, word[0] == 'a', word);
		} else if (strcmp(word, "replied") == 0 || strcmp(word, "unreplied") == 0) {
			check_flag(&f, FLOW_SEEN_REPLY, word[0] == 'r', word);
		} else if (strcmp(word, "revived") == 0) {
			check_flag(&f, FLOW_REVIVED, true, word);
		} else if (strcmp(word, "timeout") == 0) {
			check_left(&f, world->now, script_duration(words_next(w)));
		} else if (strcmp(word, "maxwin") == 0) {
			check_maxwin(&f, w, &r->net);
		} else {
			check_state(&f, word);
		}
	}
}

static void do_no_entry(struct run *r, struct words *w)
{
	struct build b = subject(r, w);
	struct flow f;

	if (world_flow(world_of(r), &b, &f)) {
		script_die("unexpected entry");
	}
}

static void do_remembered(struct run *r, struct words *w, bool must)
{
	struct build b = subject(r, w);
	struct tomb_info info;

	world_tick(world_of(r));
	if (world_tomb(world_of(r), &b, &info) != must) {
		script_die(must ? "the connection is not remembered"
		                : "the connection is remembered");
	}
}

/* tcp.timeout-established: the name with dashes instead of blanks. */
static bool is_named(const struct tunable *row, const char *block_and_name)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", row->block, row->name);
	for (char *c = name; *c != '\0'; c++) {
		*c = (char)(*c == ' ' ? '-' : *c);
	}
	return strcmp(name, block_and_name) == 0;
}

static int64_t read_value(const struct tunable *row, const char *word)
{
	switch (row->kind) {
	case TUNABLE_DURATION:
		return script_duration(word) / NSEC_PER_SEC;
	case TUNABLE_SWITCH:
		return strcmp(word, "on") == 0;
	case TUNABLE_CHOICE:
		for (int64_t i = 0; row->choices[i] != NULL; i++) {
			if (strcmp(row->choices[i], word) == 0) {
				return i;
			}
		}
		script_die("unknown value: %s", word);
	default:
		return script_number(word);
	}
}

static void do_set(struct run *r, struct words *w)
{
	const char *name = words_next(w);

	for (size_t i = 0; i < tunables_table_len; i++) {
		const struct tunable *row = &tunables_table[i];

		if (is_named(row, name)) {
			tunable_set(&world_of(r)->policy.tun, row, read_value(row, words_next(w)));
			return;
		}
	}
	script_die("unknown setting: %s", name);
}

/* Rules of a configuration replace those of "accept". */
static void drop_compiled(struct run *r)
{
	if (r->compiled != NULL) {
		ruleset_free(r->compiled);
		r->compiled = NULL;
		r->world.policy.rules = NULL;
	}
}

static char *read_file(void *ctx, const char *path, size_t *size)
{
	FILE *in = fopen(path, "rb");
	char *text = malloc(65536);

	(void)ctx;
	if (in == NULL || text == NULL) {
		free(text);
		return NULL;
	}
	*size = fread(text, 1, 65536, in);
	fclose(in);
	return text;
}

static void do_config(struct run *r, struct words *w)
{
	const struct config_reader reader = { .read = read_file };
	struct world *world = world_of(r);
	const char *slash = strrchr(file_name, '/');
	char path[1024];
	char *errors;
	struct config *c;

	snprintf(path, sizeof(path), "%.*s%s", slash != NULL ? (int)(slash - file_name + 1) : 0,
	         file_name, words_next(w));
	c = config_load(path, &reader, &errors);
	if (c == NULL) {
		script_die("%s", errors);
	}
	drop_compiled(r);
	free(world->policy.rules);
	r->compiled = config_compile(c);
	world->policy.rules = r->compiled;
	world->policy.tun = *config_tunables(c);
	config_free(c);
}

static void do_accept(struct run *r, struct words *w)
{
	unsigned states = 0;
	enum ct_state s;

	drop_compiled(r);
	while (words_peek(w) != NULL) {
		if (!is_ct_state(words_next(w), &s)) {
			script_die("unknown state");
		}
		states |= ACCEPT_STATE(s);
	}
	world_accept(world_of(r), states);
}

static void do_limits(struct run *r, struct words *w)
{
	if (r->world.engine != NULL) {
		script_die("limits must precede the first packet");
	}
	while (words_peek(w) != NULL) {
		const char *word = words_next(w);
		uint32_t n = script_number(words_next(w));

		if (strcmp(word, "flows") == 0) {
			r->flows_max = n;
		} else if (strcmp(word, "tombs") == 0) {
			r->tombs_max = n;
		} else if (strcmp(word, "shards") == 0) {
			r->shards_len = n;
		} else {
			script_die("unknown limit: %s", word);
		}
	}
}

static void do_usage(struct run *r, struct words *w, bool flows)
{
	struct engine_usage u;
	uint32_t must = script_number(words_next(w));

	world_tick(world_of(r));
	engine_usage(world_of(r)->engine, &u);
	if ((flows ? u.flows : u.tombs) != must) {
		script_die("expected %u, found %llu", must,
		           (unsigned long long)(flows ? u.flows : u.tombs));
	}
}

static void do_count(struct run *r, struct words *w)
{
	const char *name = words_next(w);
	uint32_t must = script_number(words_next(w));
	uint64_t is = UINT64_MAX;

	for (unsigned i = 0; i < REASONS_LEN; i++) {
		if (strcmp(name, reason_name((enum reason)i)) == 0) {
			is = world_reason(world_of(r), (enum reason)i);
		}
	}
	for (unsigned i = 0; i < EVENTS_LEN; i++) {
		if (strcmp(name, stat_event_name((enum stat_event)i)) == 0) {
			is = world_event(world_of(r), (enum stat_event)i);
		}
	}
	if (is != must) {
		script_die("expected %u, counted %lld", must, (long long)is);
	}
}

static void do_only(const struct run *r, struct words *w)
{
	if (!words_accept(w, r->net.family == 4 ? "ipv4" : "ipv6")) {
		printf("not for this family\n");
		exit(EXIT_SKIP);
	}
	w->next = w->len;
}

static void do_line(struct run *r, struct words *w)
{
	if (words_peek(w)[0] == '+') {
		world_pass(world_of(r), script_duration(words_next(w) + 1));
		if (!r->is_lazy) {
			world_tick(world_of(r));
		}
		if (words_peek(w) == NULL) {
			return;
		}
	}
	if (strcmp(words_peek(w), "<") == 0 || strcmp(words_peek(w), ">") == 0) {
		do_packet(r, w);
		return;
	}
	const char *verb = words_next(w);

	if (strcmp(verb, "entry") == 0) {
		do_entry(r, w);
	} else if (strcmp(verb, "no") == 0 && words_accept(w, "entry")) {
		do_no_entry(r, w);
	} else if (strcmp(verb, "remembered") == 0) {
		do_remembered(r, w, true);
	} else if (strcmp(verb, "not") == 0 && words_accept(w, "remembered")) {
		do_remembered(r, w, false);
	} else if (strcmp(verb, "set") == 0) {
		do_set(r, w);
	} else if (strcmp(verb, "accept") == 0) {
		do_accept(r, w);
	} else if (strcmp(verb, "config") == 0) {
		do_config(r, w);
	} else if (strcmp(verb, "limits") == 0) {
		do_limits(r, w);
	} else if (strcmp(verb, "flows") == 0 || strcmp(verb, "tombs") == 0) {
		do_usage(r, w, verb[0] == 'f');
	} else if (strcmp(verb, "count") == 0) {
		do_count(r, w);
	} else if (strcmp(verb, "only") == 0) {
		do_only(r, w);
	} else {
		script_die("unknown line: %s", verb);
	}
	if (words_peek(w) != NULL) {
		script_die("unknown line: %s", words_peek(w));
	}
}

/* Splits a line into words at blanks; "<...>" is one word. Changes the line. */
static void split(char *line, struct words *w)
{
	char *c = line;

	w->len = w->next = 0;
	for (;;) {
		c += strspn(c, " \t\r\n");
		if (*c == '\0' || *c == '#') {
			return;
		}
		if (w->len == WORDS_MAX) {
			script_die("too many words");
		}
		w->at[w->len++] = c;
		if (c[0] == '<' && strchr(" \t\r\n", c[1]) == NULL) {
			c += strcspn(c, ">\n");
		}
		c += strcspn(c, " \t\r\n");
		if (*c != '\0') {
			*c++ = '\0';
		}
	}
}

static int run_file(struct run *r, FILE *in)
{
	char line[1024];
	char copy[1024];

	while (fgets(line, sizeof(line), in) != NULL) {
		struct words w;

		line_nr++;
		snprintf(copy, sizeof(copy), "%s", line);
		copy[strcspn(copy, "\r\n")] = '\0';
		line_text = copy;
		split(line, &w);
		if (w.len > 0) {
			do_line(r, &w);
		}
	}
	if (world_reasons(world_of(r)) != world_verdicts(world_of(r))) {
		script_die("the sums of reasons and of verdicts differ from the number of packets");
	}
	drop_compiled(r);
	world_fini(&r->world);
	return EXIT_SUCCESS;
}

static void choose_family(struct script_net *net, uint8_t family)
{
	net->family = family;
	net->client = build_addr(family == 4 ? "10.0.0.1" : "fd00::1");
	net->server = build_addr(family == 4 ? "10.0.0.2" : "fd00::2");
	net->router = build_addr(family == 4 ? "192.0.2.1" : "2001:db8::1");
	net->client_port = 40000;
	net->server_port = 80;
}

int main(int argc, char **argv)
{
	struct run r = { .flows_max = 1000, .tombs_max = 1000, .shards_len = 1 };
	FILE *in;
	int rc;

	choose_family(&r.net, 4);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--ipv6") == 0) {
			choose_family(&r.net, 6);
		} else if (strcmp(argv[i], "--lazy") == 0) {
			r.is_lazy = true;
		} else {
			file_name = argv[i];
		}
	}
	if (file_name == NULL) {
		fprintf(stderr, "usage: pkt_script [--ipv6] [--lazy] FILE\n");
		return 2;
	}
	in = fopen(file_name, "r");
	if (in == NULL) {
		perror(file_name);
		return 2;
	}
	rc = run_file(&r, in);
	fclose(in);
	return rc;
}
