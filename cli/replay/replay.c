/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each packet is a batch of its own: timeouts have a resolution of a nanosecond, so packets with
 * different times cannot share a batch.
 */
#include "replay/replay.h"

#include "io/capture.h"
#include "io/mem.h"
#include "replay/local_routes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The timer wheel wraps after nine years. */
#define SPAN_MAX_NS (8 * 366 * 86400 * NSEC_PER_SEC)

/* In a gap without packets, entries expire in steps of this size, so that their time of expiry is
 * known about as exactly as in the daemon. */
#define STEP_NS (250 * NSEC_PER_MSEC)

#define PROGRESS_EVERY 65536

/* Indexes of the interfaces that the command line names. */
#define IIF_INDEX 1
#define OIF_INDEX 2

/* A fixed key: which entry a full table evicts depends on it, and runs must be reproducible. */
static const struct sipkey fixed_key = { 0x66696e77616c6c20, 0x7265706c61792121 };

static int instance_init(struct replay_instance *in, const struct replay_policy *source,
                         const struct replay_vantage *vantage);
static void advance_clock(struct replay *r, int64_t time_ns);
static void set_hook(const struct replay_vantage *vantage, const struct pkt *p,
                     struct frame *frame);
static void instance_decide(struct replay_instance *in, struct mono now, const struct frame *frame);
static int add_to_connections(struct replay *r, const struct pkt *p, const struct conn_ref *ref);

int replay_init(struct replay *r, const struct replay_vantage *vantage,
                const struct replay_policy *policies, size_t policies_len)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->vantage = *vantage;
	r->now = REPLAY_START;
	for (size_t i = 0; i < policies_len; i++) {
		r->instances_len++;
		err = instance_init(&r->instance[i], &policies[i], vantage);
		if (err < 0) {
			return err;
		}
	}
	r->copies = copies_new();
	return r->copies != NULL ? conns_init(&r->conns, policies_len) : -ENOMEM;
}

void replay_fini(struct replay *r)
{
	for (size_t i = 0; i < r->instances_len; i++) {
		mem_unmap(r->instance[i].mem, r->instance[i].mem_size);
		ruleset_free(r->instance[i].policy.rules);
		routes_free(r->instance[i].routes);
		free(r->instance[i].trace);
	}
	conns_fini(&r->conns);
	copies_free(r->copies);
}

static void store_late_event(void *ctx, const struct late_event *ev)
{
	struct replay_instance *in = ctx;

	in->has_late = true;
	in->late = *ev;
}

/* The trace stays in the instance. */
static void note_trace(void *ctx, const struct trace *t)
{
	(void)ctx;
	(void)t;
}

/* Nobody answers a probe here: the packet is judged without, and the probe is only counted. */
static enum raw_result note_hold(void *ctx, const struct frame *frame, uint64_t token,
                                 struct mono deadline, const struct raw_request *req)
{
	struct replay_instance *in = ctx;

	(void)frame;
	(void)token;
	(void)deadline;
	in->is_probed |= req != NULL;
	return RAW_UNAVAILABLE;
}

static int instance_init(struct replay_instance *in, const struct replay_policy *source,
                         const struct replay_vantage *vantage)
{
	const struct engine_config cfg = {
		.flows_max = source->flows_max,
		.tombs_max = source->tombs_max,
		.shards_len = 1,
		.hash_key = fixed_key,
		.start = REPLAY_START,
	};

	in->source = source;
	in->policy.tun = source->tun;
	in->policy.rules = config_compile(source->config);
	if (in->policy.rules == NULL) {
		return -ENOMEM;
	}
	ruleset_set_ifname(in->policy.rules, IIF_INDEX, vantage->iif);
	ruleset_set_ifname(in->policy.rules, OIF_INDEX, vantage->oif);
	if (ruleset_needs_routes(in->policy.rules) != 0 && vantage->locals_len != 0) {
		in->routes = local_routes_new(vantage, IIF_INDEX, OIF_INDEX);
		if (in->routes == NULL) {
			return -ENOMEM;
		}
		ruleset_set_routes(in->policy.rules, in->routes);
	}
	in->mem_size = engine_size(&cfg);
	in->mem = mem_map(in->mem_size);
	if (in->mem == NULL) {
		return -errno;
	}
	in->engine = engine_init(in->mem, &cfg);
	in->worker.policy = &in->policy;
	in->worker.sink = (struct engine_sink){
		.ctx = in,
		.late = store_late_event,
		.traced = note_trace,
		.hold = note_hold,
	};
	if (vantage->traces) {
		in->trace = aligned_alloc(64, (sizeof(*in->trace) + 63) & ~(size_t)63);
		if (in->trace == NULL) {
			return -ENOMEM;
		}
		in->worker.trace = in->trace;
	}
	in->ticked = REPLAY_START;
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
		if (r->callbacks.progress != NULL && nr % PROGRESS_EVERY == 0) {
			r->callbacks.progress(r->callbacks.ctx, r, path, capture_percent(c));
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
	if (found == LINK_IP && copies_add(r->copies, &packet, captured->time_ns)) {
		r->copies_skipped++;
		return 0;
	}
	advance_clock(r, captured->time_ns);
	if (found != LINK_IP) {
		r->skipped[found]++;
		return 0;
	}
	r->packets++;
	r->bytes += packet.true_size;
	for (size_t i = 0; i < r->instances_len; i++) {
		ruleset_set_wall(r->instance[i].policy.rules, r->first_ns - REPLAY_START.ns);
	}
	frame = (struct frame){
		.data = packet.data,
		.cap_size = packet.cap_size,
		.true_size = packet.true_size,
		.csum = r->vantage.verify_checksums ? CSUM_UNVERIFIED : CSUM_TRUSTED,
	};
	is_segment = pkt_decode(&frame, &pkt) == REASON_NONE && pkt.kind == PKT_KIND_TCP;
	set_hook(&r->vantage, &pkt, &frame);
	if (is_segment) {
		conns_find(&r->conns, &pkt, &ref);
	}
	for (size_t i = 0; i < r->instances_len; i++) {
		instance_decide(&r->instance[i], r->now, &frame);
	}
	if (is_segment) {
		err = add_to_connections(r, &pkt, &ref);
	}
	r->differing += replay_differs(r);
	if (r->callbacks.packet != NULL) {
		const struct replay_packet p = {
			.file = file,
			.nr_in_file = nr_in_file,
			.time_ns = captured->time_ns,
			.now = r->now,
			.pkt = &pkt,
		};

		r->callbacks.packet(r->callbacks.ctx, r, &p);
	}
	return err;
}

/*
 * Sets the clock to the packet's time. It stays at the time of the packet before if the packet is
 * older, or if it is more than SPAN_MAX_NS away in either direction: then one of the two timestamps
 * is wrong, and the clock continues from the new one.
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
		r->out_of_order++;
		return;
	}
	if (REPLAY_START.ns + since_ns < r->now.ns) {
		r->out_of_order++;
		return;
	}
	r->now = mono_add(REPLAY_START, since_ns);
}

static bool is_local(const struct replay_vantage *vantage, const union ip_addr *addr,
                     uint8_t family)
{
	for (size_t i = 0; i < vantage->locals_len; i++) {
		const struct replay_local *l = &vantage->locals[i];
		size_t whole = l->bits / 8;
		uint8_t rest = (uint8_t)(0xff00u >> (l->bits % 8));

		if (l->family == family && memcmp(l->addr.bytes, addr->bytes, whole) == 0 &&
		    (rest == 0 || ((l->addr.bytes[whole] ^ addr->bytes[whole]) & rest) == 0)) {
			return true;
		}
	}
	return false;
}

static enum hook find_hook(const struct replay_vantage *vantage, const struct pkt *p)
{
	if (!vantage->hook_is_auto || p->depth == PKT_NOTHING) {
		return vantage->hook;
	}
	if (is_local(vantage, &p->tuple.dst, p->tuple.family)) {
		return HOOK_INPUT;
	}
	return is_local(vantage, &p->tuple.src, p->tuple.family) ? HOOK_OUTPUT : HOOK_FORWARD;
}

/* Sets the hook and the interfaces at which the filter would see the packet. */
static void set_hook(const struct replay_vantage *vantage, const struct pkt *p, struct frame *frame)
{
	enum hook hook = find_hook(vantage, p);

	frame->hook = (uint8_t)hook;
	frame->iif = hook == HOOK_OUTPUT ? 0 : IIF_INDEX;
	frame->oif = hook == HOOK_INPUT ? 0 : OIF_INDEX;
}

/* Expires entries that are due before now. */
static void instance_advance(struct replay_instance *in, struct mono now)
{
	while (mono_diff(now, in->ticked) > STEP_NS) {
		struct engine_usage usage;

		engine_usage(in->engine, &usage);
		if (usage.flows == 0) {
			break;
		}
		in->ticked = mono_add(in->ticked, STEP_NS);
		engine_tick(in->engine, &in->worker, in->ticked, UINT_MAX);
	}
	in->ticked = now;
	engine_tick(in->engine, &in->worker, now, UINT_MAX);
}

/* The sum of the two counters changes only if the table has grown. */
static void update_peaks(struct replay_instance *in)
{
	const struct stats *s = &in->worker.stats;
	uint64_t growth = stat_get(&s->event[EVENT_FLOW_NEW]) + stat_get(&s->event[EVENT_TOMB_NEW]);
	struct engine_usage usage;

	if (growth == in->growth_seen) {
		return;
	}
	in->growth_seen = growth;
	engine_usage(in->engine, &usage);
	if (usage.flows > in->flows_peak) {
		in->flows_peak = usage.flows;
	}
	if (usage.tombs > in->tombs_peak) {
		in->tombs_peak = usage.tombs;
	}
}

static void instance_decide(struct replay_instance *in, struct mono now, const struct frame *frame)
{
	in->has_late = false;
	in->is_probed = false;
	instance_advance(in, now);
	engine_batch(in->engine, &in->worker, now, frame, 1, &in->decision);
	stat_add(&in->worker.stats.event[EVENT_PROBED], in->is_probed);
	update_peaks(in);
}

static int add_to_connections(struct replay *r, const struct pkt *p, const struct conn_ref *ref)
{
	struct conn_outcome outcome[REPLAY_POLICIES_MAX];
	bool opens = false;

	for (size_t i = 0; i < r->instances_len; i++) {
		const struct replay_instance *in = &r->instance[i];

		outcome[i].is_late = in->has_late;
		outcome[i].is_open = in->decision.tcp_state == TCP_ESTABLISHED;
		outcome[i].passed = in->decision.verdict == VERDICT_ACCEPT;
		opens |= in->decision.reason == REASON_TCP_OPEN ||
		         in->decision.reason == REASON_TCP_REOPEN;
	}
	return conns_add(&r->conns, p, ref, opens, outcome);
}

bool replay_differs(const struct replay *r)
{
	for (size_t i = 1; i < r->instances_len; i++) {
		if (r->instance[i].decision.verdict != r->instance[0].decision.verdict) {
			return true;
		}
	}
	return false;
}

uint64_t replay_verdicts(const struct replay_instance *in, enum verdict v)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t s = 0; s < CT_STATES_LEN; s++) {
			sum += stat_get(&in->worker.stats.verdict[h][s][v]);
		}
	}
	return sum;
}

uint64_t replay_verdict_bytes(const struct replay_instance *in, enum verdict v)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t s = 0; s < CT_STATES_LEN; s++) {
			sum += stat_get(&in->worker.stats.verdict_bytes[h][s][v]);
		}
	}
	return sum;
}

uint64_t replay_states(const struct replay_instance *in, enum ct_state s)
{
	uint64_t sum = 0;

	for (size_t h = 0; h < HOOKS_LEN; h++) {
		for (size_t v = 0; v < VERDICTS_LEN; v++) {
			sum += stat_get(&in->worker.stats.verdict[h][s][v]);
		}
	}
	return sum;
}
