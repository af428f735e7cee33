/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run of a replay. Every packet is given to every engine by itself, with its own time: timeouts
 * are compared to the nanosecond, so packets of different times must not share a batch.
 */
#include "replay/replay.h"

#include "io/capture.h"
#include "io/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Timers are kept in ticks that turn over after nine years. */
#define SPAN_MAX_NS (8 * 366 * 86400 * NSEC_PER_SEC)

/* Over a silence, entries end in steps of this, about as the daemon's would, so that it is known
 * when they did. */
#define STEP_NS (250 * NSEC_PER_MSEC)

#define PROGRESS_EVERY 65536

/* Numbers for the interfaces that the command line names. */
#define IIF_INDEX 1
#define OIF_INDEX 2

/* The same run gives the same result: which entry gives way in a full table depends on the key. */
static const struct sipkey fixed_key = { 0x66696e77616c6c20, 0x7265706c61792121 };

static int lane_init(struct replay_lane *lane, const struct replay_policy *by,
                     const struct replay_place *place);
static void advance_clock(struct replay *r, int64_t time_ns);
static void set_hook(const struct replay_place *place, const struct pkt *p, struct frame *frame);
static void lane_decide(struct replay_lane *lane, struct mono now, const struct frame *frame);
static int note_connection(struct replay *r, const struct pkt *p, const struct conn_ref *ref);

int replay_init(struct replay *r, const struct replay_place *place,
                const struct replay_policy *policies, size_t policies_len)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->place = *place;
	r->now = REPLAY_START;
	for (size_t i = 0; i < policies_len; i++) {
		r->lanes_len++;
		err = lane_init(&r->lane[i], &policies[i], place);
		if (err < 0) {
			return err;
		}
	}
	return conns_init(&r->conns, policies_len);
}

void replay_fini(struct replay *r)
{
	for (size_t i = 0; i < r->lanes_len; i++) {
		mem_unmap(r->lane[i].mem, r->lane[i].mem_size);
		ruleset_free(r->lane[i].policy.rules);
	}
	conns_fini(&r->conns);
}

static void keep_late(void *ctx, const struct late_event *ev)
{
	struct replay_lane *lane = ctx;

	lane->has_late = true;
	lane->late = *ev;
}

static int lane_init(struct replay_lane *lane, const struct replay_policy *by,
                     const struct replay_place *place)
{
	const struct engine_config cfg = {
		.flows_max = by->flows_max,
		.tombs_max = by->tombs_max,
		.shards_len = 1,
		.hash_key = fixed_key,
		.start = REPLAY_START,
	};

	lane->by = by;
	lane->policy.tun = by->tun;
	lane->policy.rules = config_compile(by->config);
	if (lane->policy.rules == NULL) {
		return -ENOMEM;
	}
	ruleset_set_ifname(lane->policy.rules, IIF_INDEX, place->iif);
	ruleset_set_ifname(lane->policy.rules, OIF_INDEX, place->oif);
	lane->mem_size = engine_size(&cfg);
	lane->mem = mem_map(lane->mem_size);
	if (lane->mem == NULL) {
		return -errno;
	}
	lane->engine = engine_init(lane->mem, &cfg);
	lane->worker.policy = &lane->policy;
	lane->worker.sink = (struct engine_sink){ .ctx = lane, .late = keep_late };
	lane->ticked = REPLAY_START;
	return 0;
}

int replay_file(struct replay *r, const char *path, char error[REPLAY_ERROR_SIZE])
{
	char why[CAPTURE_ERROR_SIZE];
	struct capture *c = capture_open(path, why);
	struct capture_packet captured;
	enum capture_result got;
	uint64_t nr = 0;
	int err = 0;

	if (c == NULL) {
		snprintf(error, REPLAY_ERROR_SIZE, "%s: %s", path, why);
		return -EINVAL;
	}
	while ((got = capture_next(c, &captured)) == CAPTURE_PACKET) {
		nr++;
		err = replay_frame(r, capture_link_type(c), &captured, path, nr);
		if (err < 0) {
			snprintf(error, REPLAY_ERROR_SIZE, "%s: packet %llu: %s", path,
			         (unsigned long long)nr, strerror(-err));
			break;
		}
		if (r->watch.progress != NULL && nr % PROGRESS_EVERY == 0) {
			r->watch.progress(r->watch.ctx, r, path, capture_percent(c));
		}
	}
	if (got == CAPTURE_BROKEN) {
		snprintf(error, REPLAY_ERROR_SIZE, "%s: packet %llu: %s", path,
		         (unsigned long long)nr + 1, capture_error(c));
		err = -EINVAL;
	}
	capture_close(c);
	return err;
}

int replay_frame(struct replay *r, enum link_type type, const struct capture_packet *captured,
                 const char *file, uint64_t nr_in_file)
{
	struct link_packet packet;
	enum link_result found =
		link_strip(type, captured->data, captured->cap_size, captured->wire_size, &packet);
	struct frame frame;
	struct pkt pkt;
	struct conn_ref ref;
	bool is_segment;
	int err = 0;

	r->frames++;
	advance_clock(r, captured->time_ns);
	if (found != LINK_IP) {
		r->skipped[found]++;
		return 0;
	}
	r->packets++;
	r->bytes += packet.true_size;
	frame = (struct frame){
		.data = packet.data,
		.cap_size = packet.cap_size,
		.true_size = packet.true_size,
		.csum = r->place.verify_checksums ? CSUM_UNVERIFIED : CSUM_TRUSTED,
	};
	is_segment = pkt_decode(&frame, &pkt) == REASON_NONE && pkt.kind == PKT_KIND_TCP;
	set_hook(&r->place, &pkt, &frame);
	if (is_segment) {
		conns_refer(&r->conns, &pkt, &ref);
	}
	for (size_t i = 0; i < r->lanes_len; i++) {
		lane_decide(&r->lane[i], r->now, &frame);
	}
	if (is_segment) {
		err = note_connection(r, &pkt, &ref);
	}
	r->differing += replay_differs(r);
	if (r->watch.packet != NULL) {
		const struct replay_packet p = {
			.file = file,
			.nr_in_file = nr_in_file,
			.time_ns = captured->time_ns,
			.now = r->now,
			.pkt = &pkt,
		};

		r->watch.packet(r->watch.ctx, r, &p);
	}
	return err;
}

/*
 * Time goes on, and stands still for a packet that is older than the one before it. It stands still
 * as well for a leap of years, either way, and goes on from there: one of the two times is wrong.
 */
static void advance_clock(struct replay *r, int64_t time_ns)
{
	int64_t since_ns;

	if (!r->has_started) {
		r->has_started = true;
		r->first_ns = time_ns;
	}
	since_ns = time_ns - r->first_ns;
	if (since_ns > SPAN_MAX_NS || since_ns < -SPAN_MAX_NS) {
		r->first_ns = time_ns - mono_diff(r->now, REPLAY_START);
		r->held++;
		return;
	}
	if (REPLAY_START.ns + since_ns < r->now.ns) {
		r->held++;
		return;
	}
	r->now = mono_add(REPLAY_START, since_ns);
}

static bool is_local(const struct replay_place *place, const union ip_addr *addr, uint8_t family)
{
	for (size_t i = 0; i < place->locals_len; i++) {
		const struct replay_local *l = &place->locals[i];
		size_t whole = l->bits / 8;
		uint8_t rest = (uint8_t)(0xff00u >> (l->bits % 8));

		if (l->family == family && memcmp(l->addr.bytes, addr->bytes, whole) == 0 &&
		    (rest == 0 || ((l->addr.bytes[whole] ^ addr->bytes[whole]) & rest) == 0)) {
			return true;
		}
	}
	return false;
}

static enum hook find_hook(const struct replay_place *place, const struct pkt *p)
{
	if (!place->hook_is_auto || p->depth == PKT_NOTHING) {
		return place->hook;
	}
	if (is_local(place, &p->tuple.dst, p->tuple.family)) {
		return HOOK_INPUT;
	}
	return is_local(place, &p->tuple.src, p->tuple.family) ? HOOK_OUTPUT : HOOK_FORWARD;
}

/* Where the packet would have been caught, and between which interfaces. */
static void set_hook(const struct replay_place *place, const struct pkt *p, struct frame *frame)
{
	enum hook hook = find_hook(place, p);

	frame->hook = (uint8_t)hook;
	frame->iif = hook == HOOK_OUTPUT ? 0 : IIF_INDEX;
	frame->oif = hook == HOOK_INPUT ? 0 : OIF_INDEX;
}

/* Ends what is due before now. A daemon would have done so a moment after its time. */
static void lane_advance(struct replay_lane *lane, struct mono now)
{
	while (mono_diff(now, lane->ticked) > STEP_NS) {
		struct engine_usage usage;

		engine_usage(lane->engine, &usage);
		if (usage.flows == 0) {
			break;
		}
		lane->ticked = mono_add(lane->ticked, STEP_NS);
		engine_tick(lane->engine, &lane->worker, lane->ticked, UINT_MAX);
	}
	lane->ticked = now;
	engine_tick(lane->engine, &lane->worker, now, UINT_MAX);
}

/* Counters only grow, so their sum says whether one of them has. */
static void look_at_peaks(struct replay_lane *lane)
{
	const struct stats *s = &lane->worker.stats;
	uint64_t growth = stat_get(&s->event[EVENT_FLOW_NEW]) + stat_get(&s->event[EVENT_TOMB_NEW]);
	struct engine_usage usage;

	if (growth == lane->growth_seen) {
		return;
	}
	lane->growth_seen = growth;
	engine_usage(lane->engine, &usage);
	if (usage.flows > lane->flows_peak) {
		lane->flows_peak = usage.flows;
	}
	if (usage.tombs > lane->tombs_peak) {
		lane->tombs_peak = usage.tombs;
	}
}

static void lane_decide(struct replay_lane *lane, struct mono now, const struct frame *frame)
{
	lane->has_late = false;
	lane_advance(lane, now);
	engine_batch(lane->engine, &lane->worker, now, frame, 1, &lane->decision);
	look_at_peaks(lane);
}

static int note_connection(struct replay *r, const struct pkt *p, const struct conn_ref *ref)
{
	struct conn_fate fate[REPLAY_LANES_MAX];
	bool opens = false;

	for (size_t i = 0; i < r->lanes_len; i++) {
		const struct replay_lane *lane = &r->lane[i];

		fate[i].is_late = lane->has_late;
		fate[i].is_open = lane->decision.tcp_state == TCP_ESTABLISHED;
		fate[i].passed = lane->decision.verdict == VERDICT_ACCEPT;
		opens |= lane->decision.reason == REASON_TCP_OPEN ||
		         lane->decision.reason == REASON_TCP_REOPEN;
	}
	return conns_see(&r->conns, p, ref, opens, fate);
}

bool replay_differs(const struct replay *r)
{
	for (size_t i = 1; i < r->lanes_len; i++) {
		if (r->lane[i].decision.verdict != r->lane[0].decision.verdict) {
			return true;
		}
	}
	return false;
}

uint64_t replay_verdicts(const struct replay_lane *lane, enum verdict v)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t s = 0; s < CT_STATES_LEN; s++) {
			sum += stat_get(&lane->worker.stats.verdict[h][s][v]);
		}
	}
	return sum;
}

uint64_t replay_verdict_bytes(const struct replay_lane *lane, enum verdict v)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t s = 0; s < CT_STATES_LEN; s++) {
			sum += stat_get(&lane->worker.stats.verdict_bytes[h][s][v]);
		}
	}
	return sum;
}

uint64_t replay_states(const struct replay_lane *lane, enum ct_state s)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t v = 0; v < VERDICTS_LEN; v++) {
			sum += stat_get(&lane->worker.stats.verdict[h][s][v]);
		}
	}
	return sum;
}
