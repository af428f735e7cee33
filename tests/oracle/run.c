/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random runs. A flow lasts for some dozens of packets, and all its steps are recorded. Some flows
 * pause until shortly before or after the expiry of their entry.
 */
#include "run.h"

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
#define AWAKE_LEN       32 /* this many flows never pause */
#define LIFE_MAX        160
#define REPEATS_MAX     2000  /* for a flow that repeats one packet, so that counters wrap */
#define SETTINGS_PERIOD 700   /* packets between two changes of settings */
#define TABLE_PERIOD    60000 /* packets between two comparisons of the whole tables */
#define ENTRIES_MAX     20000 /* with more entries, left by flows that ended, all flows restart */
#define SLEEP_MAX_NS    (4 * NSEC_PER_SEC)
#define GAP_NS          (15 * NSEC_PER_MSEC) /* shorter pauses are not recorded */

struct run_flow {
	struct ends ends;
	struct gen_flow gen;
	struct history past;
	struct mono last;
	struct mono wake;               /* pauses until then */
	bool expects_end;               /* the pause ends after the entry's expiry */
	unsigned life;                  /* packets left */
	uint32_t setting[SETTINGS_MAX]; /* as recorded in its history */
};

struct run_state {
	struct lockstep *d;
	const struct run_config *cfg;
	struct run_result *result;
	struct rng rng;
	struct run_flow flow[FLOWS_LEN];
	uint32_t setting[SETTINGS_MAX];
	uint16_t next_port;
};

/* Starts a new flow; its history starts with the current settings. */
static void renew(struct run_state *h, struct run_flow *f)
{
	static const uint8_t drops[] = { 0, 0, 3, 15 };

	if (f->past.len != 0 && !h->cfg->keep) {
		lockstep_delete(h->d, &f->ends);
	}
	h->next_port += 2;
	gen_ends(&h->rng, h->cfg->protos, h->cfg->family, (unsigned)(f - h->flow),
	         (unsigned)h->result->flows, h->next_port, &f->ends);
	if (!h->cfg->keep) {
		lockstep_delete(h->d, &f->ends);
	}
	gen_flow_init(&f->gen, &h->rng);
	f->gen.drops = h->cfg->keep || h->cfg->program ? 0 : RNG_PICK(&h->rng, drops);
	f->past.len = 0;
	f->life = 10 + rng_below(&h->rng, f->gen.repeats > 50 ? REPEATS_MAX : LIFE_MAX);
	f->last = lockstep_now();
	f->wake.ns = 0;
	f->expects_end = false;
	for (size_t i = 0; i < sysctls_len; i++) {
		f->setting[i] = sysctls_table[i].dflt;
	}
	h->result->flows++;
}

/* Changes a setting on both sides. */
static void set(struct run_state *h, uint32_t nr, uint32_t value)
{
	struct step s = { .kind = STEP_SET, .u.set = { nr, value } };

	if (lockstep_step(h->d, &h->flow[0].ends, &s) != LOCKSTEP_SAME) {
		fputs(h->d->diff, stdout);
		h->result->broken = true;
	}
	h->setting[nr] = value;
}

static void delete_all(struct run_state *h)
{
	lockstep_flush(h->d);
	lockstep_defaults(h->d);
	for (size_t i = 0; i < sysctls_len; i++) {
		h->setting[i] = sysctls_table[i].dflt;
		if (h->cfg->settings_vary && sysctls_table[i].dflt == 120) {
			set(h, (uint32_t)i, 119); /* see sysctls.c */
		}
	}
}

static void renew_all(struct run_state *h)
{
	if (!h->cfg->keep) {
		delete_all(h);
	}
	for (size_t i = 0; i < FLOWS_LEN; i++) {
		h->flow[i].past.len = 0;
		renew(h, &h->flow[i]);
	}
}

static void change_settings(struct run_state *h)
{
	for (unsigned n = 1 + rng_below(&h->rng, 6); n > 0; n--) {
		uint32_t nr = rng_below(&h->rng, (uint32_t)sysctls_len);

		set(h, nr, sysctls_random(&sysctls_table[nr], &h->rng));
	}
}

/* Pauses the flow until shortly before or after its expiry, if that is near enough. */
static void maybe_sleep(struct run_state *h, struct run_flow *f, const struct flow *live,
                        struct mono now)
{
	int64_t left = mono_diff(live->deadline, now);
	int64_t slack = LOCKSTEP_EDGE_NS + (1 + rng_below(&h->rng, 100)) * NSEC_PER_MSEC;

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

static void report(struct run_state *h, struct run_flow *f)
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
		if (replay(h->d, &f->ends, &f->past, NULL, &at) == LOCKSTEP_DIFFERENT) {
			printf("# the replay gives:\n%s", h->d->diff);
		}
	} else {
		printf("# %s; the last steps were:\n",
		       h->cfg->keep ? "not replayed"
		                    : "does not fail in a replay of this flow alone");
		ends_print(stdout, &f->ends);
		for (size_t i = steps > 12 ? steps - 12 : 0; i < steps; i++) {
			step_print(stdout, &f->past.step[i]);
		}
	}
	fflush(stdout);
	renew_all(h);
}

/* Records the changed settings, the pause and the packet that the flow is about to see. */
static void note(struct run_state *h, struct run_flow *f, const struct step *s, struct mono now)
{
	int64_t gap = mono_diff(now, f->last);

	for (size_t i = 0; i < sysctls_len; i++) {
		if (f->setting[i] != h->setting[i]) {
			struct step set = { .kind = STEP_SET,
				            .u.set = { (uint32_t)i, h->setting[i] } };

			f->setting[i] = h->setting[i];
			history_add(&f->past, &set);
		}
	}
	if (f->past.len != 0 && gap > GAP_NS) {
		struct step pause = { .kind = STEP_WAIT,
			              .u.wait_ms = (uint32_t)(gap / NSEC_PER_MSEC) };

		history_add(&f->past, &pause);
	}
	f->last = now;
	history_add(&f->past, s);
}

static void play_step(struct run_state *h, struct run_flow *f, struct mono now)
{
	struct run_result *res = h->result;
	struct tuple tuple;
	struct flow live;
	struct step s;
	enum flow_dir dir = DIR_ORIG;
	bool is_live;

	ends_tuple(&f->ends, END_A, &tuple);
	is_live = side_flow(h->d->side, &tuple, mono_add(now, -LOCKSTEP_EDGE_NS), &live, &dir);
	if (is_live && lockstep_is_on_edge(&live, now)) {
		f->wake = mono_add(now, 2 * LOCKSTEP_EDGE_NS);
		return;
	}
	is_live = is_live && !mono_is_due(live.deadline, now);
	res->expired += f->expects_end;
	f->expects_end = false;
	gen_step(&f->gen, &h->rng, &f->ends, is_live ? &live : NULL,
	         dir == DIR_ORIG ? END_A : END_B, &s);
	note(h, f, &s, now);
	res->packets++;
	switch (lockstep_step(h->d, &f->ends, &s)) {
	case LOCKSTEP_DIFFERENT:
		report(h, f);
		return;
	case LOCKSTEP_UNCERTAIN:
		res->uncertain++;
		renew(h, f);
		return;
	case LOCKSTEP_BROKEN:
		fputs(h->d->diff, stdout);
		step_print(stdout, &s);
		res->broken = true;
		return;
	case LOCKSTEP_SAME:
		break;
	}
	if (h->d->kernel.sighting.seen) {
		res->seen[h->d->kernel.sighting.state]++;
	} else {
		res->unseen++;
	}
	if (side_flow(h->d->side, &tuple, now, &live, &dir)) {
		maybe_sleep(h, f, &live, now);
	}
	if (--f->life == 0) {
		renew(h, f);
	}
}

/* Returns a flow that does not pause, or NULL. */
static struct run_flow *pick_flow(struct run_state *h, struct mono now)
{
	uint32_t at = rng_below(&h->rng, FLOWS_LEN);

	for (unsigned i = 0; i < FLOWS_LEN; i++) {
		struct run_flow *f = &h->flow[(at + i) % FLOWS_LEN];

		if (mono_is_due(f->wake, now)) {
			return f;
		}
	}
	return NULL;
}

void run_random(struct lockstep *d, const struct run_config *cfg, struct run_result *out)
{
	static struct run_state h;
	struct mono start = lockstep_now();
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
	renew_all(&h);
	while ((out->packets < cfg->packets || !mono_is_due(until, lockstep_now())) &&
	       out->differences < cfg->differences_max && !out->broken) {
		struct mono now = lockstep_now();
		struct run_flow *f = pick_flow(&h, now);

		if (f == NULL) {
			lockstep_sleep_until(mono_add(now, NSEC_PER_MSEC));
			continue;
		}
		play_step(&h, f, now);
		if (cfg->settings_vary && !cfg->keep && out->packets >= next_settings) {
			next_settings += SETTINGS_PERIOD;
			change_settings(&h);
		}
		if (out->packets >= next_table) {
			next_table += TABLE_PERIOD;
			out->differences += lockstep_compare_tables(d);
			if (side_flows_len(d->side) > ENTRIES_MAX && !cfg->keep) {
				renew_all(&h);
			}
		}
	}
	if (out->differences == 0 && !out->broken) {
		out->differences += lockstep_compare_tables(d);
	}
	for (size_t i = 0; i < FLOWS_LEN; i++) {
		history_fini(&h.flow[i].past);
	}
	out->seconds = (double)mono_diff(lockstep_now(), start) / 1e9;
}
