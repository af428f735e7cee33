/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hunt. A flow lives for some dozens of packets, with everything it went through written down;
 * now and then one sleeps to just before or just behind the end of its entry's time.
 */
#include "hunt.h"

#include "gen.h"
#include "history.h"
#include "shrink.h"
#include "sysctls.h"

#include <finwall/pkt.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SETTINGS_MAX    32
#define FLOWS_LEN       256
#define AWAKE_LEN       32 /* so many of them never sleep */
#define LIFE_MAX        160
#define REPEATS_MAX     2000  /* of a flow that says the same again and again: counters wrap */
#define SETTINGS_PERIOD 700   /* packets between two changes of settings */
#define TABLE_PERIOD    60000 /* packets between two comparisons of the whole tables */
#define ENTRIES_MAX     20000 /* with more left behind by flows that are over, all start afresh */
#define SLEEP_MAX_NS    (4 * NSEC_PER_SEC)
#define GAP_NS          (15 * NSEC_PER_MSEC) /* shorter pauses are not written down */

struct hunted {
	struct ends ends;
	struct gen_flow gen;
	struct history past;
	struct mono last;
	struct mono wake;               /* asleep until then */
	bool expects_end;               /* it sleeps beyond the end of its time */
	unsigned life;                  /* packets left */
	uint32_t setting[SETTINGS_MAX]; /* as its history has them */
};

struct hunt_state {
	struct duel *d;
	const struct hunt_config *cfg;
	struct hunt_result *result;
	struct rng rng;
	struct hunted flow[FLOWS_LEN];
	uint32_t setting[SETTINGS_MAX];
	uint16_t next_port;
};

/* Starts a flow anew, with the settings of the moment as the beginning of its history. */
static void rebirth(struct hunt_state *h, struct hunted *f)
{
	static const uint8_t drops[] = { 0, 0, 3, 15 };

	if (f->past.len != 0 && !h->cfg->keep) {
		duel_forget(h->d, &f->ends);
	}
	h->next_port += 2;
	gen_ends(&h->rng, h->cfg->protos, h->cfg->family, (unsigned)(f - h->flow),
	         (unsigned)h->result->flows, h->next_port, &f->ends);
	if (!h->cfg->keep) {
		duel_forget(h->d, &f->ends);
	}
	gen_flow_init(&f->gen, &h->rng);
	f->gen.drops = h->cfg->keep ? 0 : RNG_PICK(&h->rng, drops);
	f->past.len = 0;
	f->life = 10 + rng_below(&h->rng, f->gen.repeats > 50 ? REPEATS_MAX : LIFE_MAX);
	f->last = duel_now();
	f->wake.ns = 0;
	f->expects_end = false;
	for (size_t i = 0; i < sysctls_len; i++) {
		f->setting[i] = sysctls_table[i].dflt;
	}
	h->result->flows++;
}

/* Changes a setting on both sides. */
static void set(struct hunt_state *h, uint32_t nr, uint32_t value)
{
	struct shot s = { .kind = SHOT_SET, .u.set = { nr, value } };

	if (duel_shot(h->d, &h->flow[0].ends, &s) != DUEL_SAME) {
		fputs(h->d->diff, stdout);
		h->result->broken = true;
	}
	h->setting[nr] = value;
}

static void forget_all(struct hunt_state *h)
{
	duel_flush(h->d);
	duel_defaults(h->d);
	for (size_t i = 0; i < sysctls_len; i++) {
		h->setting[i] = sysctls_table[i].dflt;
		if (h->cfg->settings_vary && sysctls_table[i].dflt == 120) {
			set(h, (uint32_t)i, 119); /* see sysctls.c */
		}
	}
}

static void start_over(struct hunt_state *h)
{
	if (!h->cfg->keep) {
		forget_all(h);
	}
	for (size_t i = 0; i < FLOWS_LEN; i++) {
		h->flow[i].past.len = 0;
		rebirth(h, &h->flow[i]);
	}
}

static void change_settings(struct hunt_state *h)
{
	for (unsigned n = 1 + rng_below(&h->rng, 6); n > 0; n--) {
		uint32_t nr = rng_below(&h->rng, (uint32_t)sysctls_len);

		set(h, nr, sysctls_random(&sysctls_table[nr], &h->rng));
	}
}

/* The instant that a sleeper waits for, if it is near enough; otherwise it does not sleep. */
static void maybe_sleep(struct hunt_state *h, struct hunted *f, const struct flow *live,
                        struct mono now)
{
	int64_t left = mono_diff(live->deadline, now);
	int64_t slack = DUEL_EDGE_NS + (1 + rng_below(&h->rng, 100)) * NSEC_PER_MSEC;

	if (live->key.proto == IPPROTO_NR_UDP && left > SLEEP_MAX_NS) {
		left = mono_diff(live->conn.udp.stream_from, now);
	}
	if (left <= 0 || left > SLEEP_MAX_NS || f < h->flow + AWAKE_LEN ||
	    !rng_percent(&h->rng, 8)) {
		return;
	}
	if (rng_percent(&h->rng, 65)) {
		f->wake = mono_add(now, left + slack);
		f->expects_end = true;
	} else if (left > slack) {
		f->wake = mono_add(now, left - slack);
	}
}

static void report(struct hunt_state *h, struct hunted *f)
{
	char first[DIFF_SIZE];
	size_t steps = f->past.len;

	h->result->differences++;
	memcpy(first, h->d->diff, sizeof(first));
	printf("difference %u after packet %" PRIu64 ":\n%s", h->result->differences,
	       h->result->packets, first);
	fflush(stdout);
	if (!h->cfg->keep && shrink(h->d, &f->ends, &f->past)) {
		size_t at;

		printf("# shrunk from %zu to %zu steps\n", steps, f->past.len);
		script_print(stdout, &f->ends, &f->past);
		if (replay(h->d, &f->ends, &f->past, NULL, &at) == DUEL_DIFFERENT) {
			printf("# which gives:\n%s", h->d->diff);
		}
	} else {
		printf("# %s; the last steps were:\n",
		       h->cfg->keep ? "not played again" : "does not fail again when played alone");
		ends_print(stdout, &f->ends);
		for (size_t i = steps > 12 ? steps - 12 : 0; i < steps; i++) {
			shot_print(stdout, &f->past.shot[i]);
		}
	}
	fflush(stdout);
	start_over(h);
}

/* Writes down what the flow is about to see: settings that changed, the pause, the packet. */
static void note(struct hunt_state *h, struct hunted *f, const struct shot *s, struct mono now)
{
	int64_t gap = mono_diff(now, f->last);

	for (size_t i = 0; i < sysctls_len; i++) {
		if (f->setting[i] != h->setting[i]) {
			struct shot set = { .kind = SHOT_SET,
				            .u.set = { (uint32_t)i, h->setting[i] } };

			f->setting[i] = h->setting[i];
			history_add(&f->past, &set);
		}
	}
	if (f->past.len != 0 && gap > GAP_NS) {
		struct shot pause = { .kind = SHOT_WAIT,
			              .u.wait_ms = (uint32_t)(gap / NSEC_PER_MSEC) };

		history_add(&f->past, &pause);
	}
	f->last = now;
	history_add(&f->past, s);
}

static void step(struct hunt_state *h, struct hunted *f, struct mono now)
{
	struct hunt_result *res = h->result;
	struct tuple tuple;
	struct flow live;
	struct shot s;
	enum flow_dir dir = DIR_ORIG;
	bool is_live;

	ends_tuple(&f->ends, END_A, &tuple);
	is_live = twin_flow(h->d->twin, &tuple, mono_add(now, -DUEL_EDGE_NS), &live, &dir);
	if (is_live && duel_is_on_edge(&live, now)) {
		f->wake = mono_add(now, 2 * DUEL_EDGE_NS);
		return;
	}
	is_live = is_live && !mono_is_due(live.deadline, now);
	res->expired += f->expects_end;
	f->expects_end = false;
	gen_shot(&f->gen, &h->rng, &f->ends, is_live ? &live : NULL,
	         dir == DIR_ORIG ? END_A : END_B, &s);
	note(h, f, &s, now);
	res->packets++;
	switch (duel_shot(h->d, &f->ends, &s)) {
	case DUEL_DIFFERENT:
		report(h, f);
		return;
	case DUEL_BLURRED:
		res->blurred++;
		rebirth(h, f);
		return;
	case DUEL_BROKEN:
		fputs(h->d->diff, stdout);
		shot_print(stdout, &s);
		res->broken = true;
		return;
	case DUEL_SAME:
		break;
	}
	if (h->d->kernel.sighting.seen) {
		res->seen[h->d->kernel.sighting.state]++;
	} else {
		res->unseen++;
	}
	if (twin_flow(h->d->twin, &tuple, now, &live, &dir)) {
		maybe_sleep(h, f, &live, now);
	}
	if (--f->life == 0) {
		rebirth(h, f);
	}
}

/* A flow that is awake. */
static struct hunted *pick_flow(struct hunt_state *h, struct mono now)
{
	uint32_t at = rng_below(&h->rng, FLOWS_LEN);

	for (unsigned i = 0; i < FLOWS_LEN; i++) {
		struct hunted *f = &h->flow[(at + i) % FLOWS_LEN];

		if (mono_is_due(f->wake, now)) {
			return f;
		}
	}
	return NULL;
}

void hunt(struct duel *d, const struct hunt_config *cfg, struct hunt_result *out)
{
	static struct hunt_state h;
	struct mono start = duel_now();
	struct mono until = mono_add(start, sec_to_ns(cfg->seconds));
	uint64_t next_settings = SETTINGS_PERIOD;
	uint64_t next_table = TABLE_PERIOD;

	memset(&h, 0, sizeof(h));
	memset(out, 0, sizeof(*out));
	h.d = d;
	h.cfg = cfg;
	h.result = out;
	rng_init(&h.rng, cfg->seed);
	h.next_port = 1024;
	start_over(&h);
	while ((out->packets < cfg->packets || !mono_is_due(until, duel_now())) &&
	       out->differences < cfg->differences_max && !out->broken) {
		struct mono now = duel_now();
		struct hunted *f = pick_flow(&h, now);

		if (f == NULL) {
			duel_sleep_until(mono_add(now, NSEC_PER_MSEC));
			continue;
		}
		step(&h, f, now);
		if (cfg->settings_vary && !cfg->keep && out->packets >= next_settings) {
			next_settings += SETTINGS_PERIOD;
			change_settings(&h);
		}
		if (out->packets >= next_table) {
			next_table += TABLE_PERIOD;
			out->differences += duel_compare_tables(d);
			if (twin_flows_len(d->twin) > ENTRIES_MAX && !cfg->keep) {
				start_over(&h);
			}
		}
	}
	if (out->differences == 0 && !out->broken) {
		out->differences += duel_compare_tables(d);
	}
	for (size_t i = 0; i < FLOWS_LEN; i++) {
		history_fini(&h.flow[i].past);
	}
	out->seconds = (double)mono_diff(duel_now(), start) / 1e9;
}
