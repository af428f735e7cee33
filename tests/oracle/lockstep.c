/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step on both sides. A packet that IP drops (part of a fragmented packet) reaches no tracker,
 * so finwall does not get it either. finwall's clock is read immediately before the kernel gets the
 * packet. If too much time passes in between, the step is not counted.
 */
#include "lockstep.h"

#include "leased.h"
#include "sysctls.h"
#include "via.h"

#include <finwall/pkt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLOWS_MAX       65536
#define DURATION_NS_MAX (30 * NSEC_PER_MSEC)

#define TABLE_PRINT_MAX 10
#define OUT_MS          1000

struct mono lockstep_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ sec_to_ns(ts.tv_sec) + ts.tv_nsec };
}

void lockstep_sleep_until(struct mono t)
{
	struct timespec ts = { .tv_sec = t.ns / NSEC_PER_SEC, .tv_nsec = t.ns % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {
	}
}

struct lockstep *lockstep_new(const char **why)
{
	struct lockstep *d = calloc(1, sizeof(*d));

	*why = "out of memory";
	if (d == NULL) {
		return NULL;
	}
	d->packet = malloc(STEP_PACKET_MAX);
	d->side = side_new(FLOWS_MAX, lockstep_now());
	if (d->packet == NULL || d->side == NULL) {
		lockstep_free(d);
		return NULL;
	}
	d->kern = kern_new(why);
	if (d->kern == NULL) {
		lockstep_free(d);
		return NULL;
	}
	lockstep_defaults(d);
	side_tunables(d->side)->tcp_kernel = kern_variant(d->kern);
	return d;
}

void lockstep_free(struct lockstep *d)
{
	if (d == NULL) {
		return;
	}
	kern_free(d->kern);
	side_free(d->side);
	free(d->packet);
	free(d->uncertain.tuple);
	free(d);
}

static enum lockstep_result broken(struct lockstep *d, const char *what, int err)
{
	snprintf(d->diff, sizeof(d->diff), "  %s: %s\n", what, strerror(-err));
	return LOCKSTEP_BROKEN;
}

static enum lockstep_result change_setting(struct lockstep *d, const struct step *s)
{
	const struct setting *row = &sysctls_table[s->u.set.setting_nr];
	int err = kern_set(d->kern, s->u.set.setting_nr, s->u.set.value);

	if (err != 0) {
		return broken(d, row->name, err);
	}
	sysctls_apply(row, s->u.set.value, side_tunables(d->side));
	side_settings_changed(d->side);
	return LOCKSTEP_SAME;
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

	return diff > -LOCKSTEP_EDGE_NS && diff < LOCKSTEP_EDGE_NS;
}

bool lockstep_is_on_edge(const struct flow *live, struct mono now)
{
	return is_near(live->deadline, now) ||
	       (live->key.proto == IPPROTO_NR_UDP && is_near(live->conn.udp.stream_from, now));
}

/* The same test for the entry of a tuple, if it has one. */
static bool tuple_is_on_edge(struct lockstep *d, const struct tuple *t, struct mono now)
{
	struct flow f;
	enum flow_dir dir;

	return side_flow(d->side, t, mono_add(now, -LOCKSTEP_EDGE_NS), &f, &dir) &&
	       lockstep_is_on_edge(&f, now);
}

static void tuples_add(struct tuples *list, const struct tuple *t)
{
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

static bool tuples_have(const struct tuples *list, const struct tuple *t)
{
	for (size_t i = 0; i < list->len; i++) {
		if (same_flow(&list->tuple[i], t)) {
			return true;
		}
	}
	return false;
}

/* Reads the entries of the flow and of the packet's own tuple on both sides. */
static int read_entries(struct lockstep *d, const struct tuple *flow, const struct tuple *own)
{
	struct mono now = lockstep_now();
	int err = kern_find(d->kern, flow, &d->kernel.entry[0]);

	side_find(d->side, flow, now, &d->ours.entry[0]);
	if (err == 0 && own != NULL) {
		err = kern_find(d->kern, own, &d->kernel.entry[1]);
		side_find(d->side, own, now, &d->ours.entry[1]);
	}
	return err;
}

/* Reads the daemon's verdict. When this returns, the packet has been committed. */
static int read_daemon(struct lockstep *d, uint8_t family)
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

enum lockstep_result lockstep_step(struct lockstep *d, const struct ends *e, const struct step *s)
{
	struct tuple flow;
	struct tuple own;
	const char *difference;
	struct mono start;
	size_t size;
	bool has_own;
	int err;

	if (s->kind == STEP_SET) {
		return change_setting(d, s);
	}
	if (s->kind == STEP_WAIT) {
		lockstep_sleep_until(mono_add(lockstep_now(), s->u.wait_ms * NSEC_PER_MSEC));
		return LOCKSTEP_SAME;
	}
	memset(&d->kernel, 0, sizeof(d->kernel));
	memset(&d->ours, 0, sizeof(d->ours));
	ends_tuple(e, END_A, &flow);
	size = step_build(e, s, d->packet);
	has_own = side_packet_tuple(d->packet, size, &own);
	if (has_own && is_kernel_only(own.proto)) {
		d->explained++;
		return LOCKSTEP_SAME;
	}
	has_own = has_own && !same_flow(&own, &flow);

	start = lockstep_now();
	if (has_own && tuple_is_on_edge(d, &own, start)) {
		return LOCKSTEP_UNCERTAIN;
	}
	err = kern_inject(d->kern, d->packet, size, &d->kernel.sighting);
	if (err != 0) {
		return broken(d, "sending a packet", err);
	}
	if (d->kernel.sighting.seen) {
		side_inject(d->side, start, d->packet, size,
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
	if (mono_diff(lockstep_now(), start) > DURATION_NS_MAX) {
		/* This process or the daemon was not scheduled. The times differ from now on. */
		tuples_add(&d->uncertain, &flow);
		if (has_own) {
			tuples_add(&d->uncertain, &own);
		}
		return LOCKSTEP_UNCERTAIN;
	}
	difference = side_difference(d->side);
	if (difference == leased_uncertain) {
		return LOCKSTEP_UNCERTAIN;
	}
	if (difference != NULL) {
		(void)snprintf(d->diff, sizeof(d->diff), "%s", difference);
		return LOCKSTEP_DIFFERENT;
	}
	return outcome_diff(&d->kernel, &d->ours, d->via != NULL ? &d->daemon : NULL, e->proto,
	                    d->diff) != 0
	               ? LOCKSTEP_DIFFERENT
	               : LOCKSTEP_SAME;
}

void lockstep_delete(struct lockstep *d, const struct ends *e)
{
	struct tuple flow;

	ends_tuple(e, END_A, &flow);
	kern_delete(d->kern, &flow);
	side_delete(d->side, &flow, lockstep_now());
}

void lockstep_flush(struct lockstep *d)
{
	kern_flush(d->kern);
	side_flush(d->side, lockstep_now());
}

void lockstep_defaults(struct lockstep *d)
{
	for (size_t i = 0; i < sysctls_len; i++) {
		kern_set(d->kern, i, sysctls_table[i].dflt);
		sysctls_apply(&sysctls_table[i], sysctls_table[i].dflt, side_tunables(d->side));
	}
	side_settings_changed(d->side);
}

/*
 * The tuples of a table are collected before they are compared: a long list takes longer to read
 * than the kernel's clock resolution allows.
 */
static void collect(void *ctx, const struct tuple *t, const struct view *v)
{
	(void)v;
	tuples_add(ctx, t);
}

/* An entry that is about to expire may exist on one side only. */
static bool is_ending(const struct view *v)
{
	return v->left_ns <= NSEC_PER_SEC;
}

/* Looks up a tuple on both sides. Returns true if they differ. */
static bool differs(struct lockstep *d, const struct tuple *t)
{
	struct mono start = lockstep_now();
	struct view kernel;
	struct view ours;

	if (kern_find(d->kern, t, &kernel) != 0) {
		return false;
	}
	side_find(d->side, t, start, &ours);
	if (mono_diff(lockstep_now(), start) > DURATION_NS_MAX) {
		return false;
	}
	if (kernel.exists != ours.exists && is_ending(kernel.exists ? &kernel : &ours)) {
		return false;
	}
	return view_diff(&kernel, &ours, t->proto, NULL, d->diff) != 0;
}

unsigned lockstep_compare_tables(struct lockstep *d)
{
	struct tuples list = { 0 };
	unsigned differences = 0;

	kern_dump(d->kern, collect, &list);
	side_dump(d->side, lockstep_now(), collect, &list);
	for (size_t i = 0; i < list.len; i++) {
		const struct tuple *t = &list.tuple[i];
		struct ends e = { .addr = { t->src, t->dst },
			          .port = { t->sport, t->dport },
			          .proto = t->proto,
			          .family = t->family };

		if (tuples_have(&d->uncertain, t) || !differs(d, t)) {
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
