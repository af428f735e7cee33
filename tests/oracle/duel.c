/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step on both sides. A packet that IP drops (part of a fragmented packet) reaches no tracker,
 * so finwall does not get it either. finwall's clock is read immediately before the kernel gets the
 * packet. If too much time passes in between, the step is not counted.
 */
#include "duel.h"

#include "sysctls.h"
#include "via.h"

#include <finwall/pkt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLOWS_MAX 65536
#define BLUR_NS   (30 * NSEC_PER_MSEC)

#define TABLE_PRINT_MAX 10
#define OUT_MS          1000

struct mono duel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ sec_to_ns(ts.tv_sec) + ts.tv_nsec };
}

void duel_sleep_until(struct mono t)
{
	struct timespec ts = { .tv_sec = t.ns / NSEC_PER_SEC, .tv_nsec = t.ns % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {
	}
}

struct duel *duel_new(const char **why)
{
	struct duel *d = calloc(1, sizeof(*d));

	*why = "out of memory";
	if (d == NULL) {
		return NULL;
	}
	d->packet = malloc(SHOT_PACKET_MAX);
	d->twin = twin_new(FLOWS_MAX, duel_now());
	if (d->packet == NULL || d->twin == NULL) {
		duel_free(d);
		return NULL;
	}
	d->kern = kern_new(why);
	if (d->kern == NULL) {
		duel_free(d);
		return NULL;
	}
	duel_defaults(d);
	twin_tunables(d->twin)->tcp_kernel = kern_variant(d->kern);
	return d;
}

void duel_free(struct duel *d)
{
	if (d == NULL) {
		return;
	}
	kern_free(d->kern);
	twin_free(d->twin);
	free(d->packet);
	free(d);
}

static enum duel_result broken(struct duel *d, const char *what, int err)
{
	snprintf(d->diff, sizeof(d->diff), "  %s: %s\n", what, strerror(-err));
	return DUEL_BROKEN;
}

static enum duel_result change_setting(struct duel *d, const struct shot *s)
{
	const struct setting *row = &sysctls_table[s->u.set.setting_nr];
	int err = kern_set(d->kern, s->u.set.setting_nr, s->u.set.value);

	if (err != 0) {
		return broken(d, row->name, err);
	}
	sysctls_apply(row, s->u.set.value, twin_tunables(d->twin));
	return DUEL_SAME;
}

/*
 * The documented difference "kernel-only trackers" of doc/tcp-tracking.md: protocols whose ports or
 * keys the kernel decodes and finwall does not.
 */
static bool is_kernel_only(uint8_t proto)
{
	return proto == 47 /* GRE */ || proto == 132 /* SCTP */ || proto == 136 /* UDP-Lite */;
}

/* Returns true if a and b are packets of one flow, in either direction. */
static bool same_flow(const struct tuple *a, const struct tuple *b)
{
	struct flowkey x;
	struct flowkey y;
	enum key_side side;

	return flowkey_from_tuple(a, &x, &side) && flowkey_from_tuple(b, &y, &side) &&
	       flowkey_equal(&x, &y);
}

static bool is_near(struct mono a, struct mono b)
{
	int64_t diff = mono_diff(a, b);

	return diff > -DUEL_EDGE_NS && diff < DUEL_EDGE_NS;
}

bool duel_is_on_edge(const struct flow *live, struct mono now)
{
	return is_near(live->deadline, now) ||
	       (live->key.proto == IPPROTO_NR_UDP && is_near(live->conn.udp.stream_from, now));
}

/* The same test for the entry of a tuple, if it has one. */
static bool tuple_is_on_edge(struct duel *d, const struct tuple *t, struct mono now)
{
	struct flow f;
	enum flow_dir dir;

	return twin_flow(d->twin, t, mono_add(now, -DUEL_EDGE_NS), &f, &dir) &&
	       duel_is_on_edge(&f, now);
}

/* Reads the entries of the flow and of the packet's own tuple on both sides. */
static int read_entries(struct duel *d, const struct tuple *flow, const struct tuple *own)
{
	struct mono now = duel_now();
	int err = kern_find(d->kern, flow, &d->kernel.entry[0]);

	twin_find(d->twin, flow, now, &d->ours.entry[0]);
	if (err == 0 && own != NULL) {
		err = kern_find(d->kern, own, &d->kernel.entry[1]);
		twin_find(d->twin, own, now, &d->ours.entry[1]);
	}
	return err;
}

/* Reads the daemon's verdict. When this returns, the packet has been committed. */
static int read_daemon(struct duel *d, uint8_t family)
{
	int err;

	d->daemon = d->kernel.sighting;
	if (d->via == NULL || !d->kernel.sighting.seen) {
		return 0;
	}
	if (family == 6 && d->packet[8] == 0xfe) {
		return 0; /* Packets of link-local senders are not forwarded. */
	}
	err = via_read(d->via, &d->daemon);
	return err != 0 || !d->daemon.seen ? err : kern_wait_out(d->kern, OUT_MS);
}

enum duel_result duel_shot(struct duel *d, const struct ends *e, const struct shot *s)
{
	struct tuple flow;
	struct tuple own;
	struct mono start;
	size_t size;
	bool has_own;
	int err;

	if (s->kind == SHOT_SET) {
		return change_setting(d, s);
	}
	if (s->kind == SHOT_WAIT) {
		duel_sleep_until(mono_add(duel_now(), s->u.wait_ms * NSEC_PER_MSEC));
		return DUEL_SAME;
	}
	memset(&d->kernel, 0, sizeof(d->kernel));
	memset(&d->ours, 0, sizeof(d->ours));
	ends_tuple(e, END_A, &flow);
	size = shot_build(e, s, d->packet);
	has_own = twin_packet_tuple(d->packet, size, &own);
	if (has_own && is_kernel_only(own.proto)) {
		d->explained++;
		return DUEL_SAME;
	}
	has_own = has_own && !same_flow(&own, &flow);

	start = duel_now();
	if (has_own && tuple_is_on_edge(d, &own, start)) {
		return DUEL_BLURRED;
	}
	err = kern_inject(d->kern, d->packet, size, &d->kernel.sighting);
	if (err != 0) {
		return broken(d, "sending a packet", err);
	}
	if (d->kernel.sighting.seen) {
		twin_inject(d->twin, start, d->packet, size,
		            s->cap_size != 0 && s->cap_size < size ? s->cap_size : size,
		            &d->ours.sighting);
	}
	err = read_daemon(d, e->family);
	if (err != 0) {
		return broken(d, "reading the daemon's verdict", err);
	}
	err = read_entries(d, &flow, has_own ? &own : NULL);
	if (err != 0) {
		return broken(d, "reading an entry", err);
	}
	if (mono_diff(duel_now(), start) > BLUR_NS) {
		return DUEL_BLURRED;
	}
	return outcome_diff(&d->kernel, &d->ours, d->via != NULL ? &d->daemon : NULL, e->proto,
	                    d->diff) != 0
	               ? DUEL_DIFFERENT
	               : DUEL_SAME;
}

void duel_forget(struct duel *d, const struct ends *e)
{
	struct tuple flow;

	ends_tuple(e, END_A, &flow);
	kern_delete(d->kern, &flow);
	twin_delete(d->twin, &flow, duel_now());
}

void duel_flush(struct duel *d)
{
	kern_flush(d->kern);
	twin_flush(d->twin, duel_now());
}

void duel_defaults(struct duel *d)
{
	for (size_t i = 0; i < sysctls_len; i++) {
		kern_set(d->kern, i, sysctls_table[i].dflt);
		sysctls_apply(&sysctls_table[i], sysctls_table[i].dflt, twin_tunables(d->twin));
	}
}

/*
 * The tuples of a table, collected before they are compared: a long list takes longer to read than
 * the kernel's clock resolution allows.
 */
struct tuples {
	struct tuple *tuple;
	size_t len;
	size_t cap;
};

static void collect(void *ctx, const struct tuple *t, const struct view *v)
{
	struct tuples *list = ctx;

	(void)v;
	if (list->len == list->cap) {
		size_t cap = list->cap != 0 ? 2 * list->cap : 1024;
		struct tuple *grown = realloc(list->tuple, cap * sizeof(*grown));

		if (grown == NULL) {
			return;
		}
		list->tuple = grown;
		list->cap = cap;
	}
	list->tuple[list->len++] = *t;
}

/* An entry that is about to expire may exist on one side only. */
static bool is_ending(const struct view *v)
{
	return v->left_ns <= NSEC_PER_SEC;
}

/* Looks up a tuple on both sides. Returns true if they differ. */
static bool differs(struct duel *d, const struct tuple *t)
{
	struct mono start = duel_now();
	struct view kernel;
	struct view ours;

	if (kern_find(d->kern, t, &kernel) != 0) {
		return false;
	}
	twin_find(d->twin, t, start, &ours);
	if (mono_diff(duel_now(), start) > BLUR_NS) {
		return false;
	}
	if (kernel.exists != ours.exists && is_ending(kernel.exists ? &kernel : &ours)) {
		return false;
	}
	return view_diff(&kernel, &ours, t->proto, NULL, d->diff) != 0;
}

unsigned duel_compare_tables(struct duel *d)
{
	struct tuples list = { 0 };
	unsigned differences = 0;

	kern_dump(d->kern, collect, &list);
	twin_dump(d->twin, duel_now(), collect, &list);
	for (size_t i = 0; i < list.len; i++) {
		const struct tuple *t = &list.tuple[i];
		struct ends e = { .addr = { t->src, t->dst },
			          .port = { t->sport, t->dport },
			          .proto = t->proto,
			          .family = t->family };

		if (!differs(d, t)) {
			continue;
		}
		if (differences++ < TABLE_PRINT_MAX) {
			fputs("difference between the tables:\n", stdout);
			ends_print(stdout, &e);
			fputs(d->diff, stdout);
		}
	}
	free(list.tuple);
	return differences;
}
