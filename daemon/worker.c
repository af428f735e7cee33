/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread and one queue. Knows the engine and the queue's socket, not the daemon.
 *
 * A turn: receive a batch, take the new configuration if there is one, read the clock, parse the
 * messages, have the engine decide, send all verdicts, expire what is due. A turn allocates
 * nothing, makes two system calls (one receive, one send) and reads the clock once; netns_thrift
 * tests that. With latency measurement it reads the clock more often. The kernel searches its list
 * from the oldest packet, so verdicts in arrival order cost O(1).
 */
#include "worker.h"

#include "io/clock.h"
#include "io/ifname.h"
#include "io/nfq_proc.h"
#include "io/nfq_sock.h"
#include "io/thread.h"
#include "wire/conntrack_msg.h"

#include <finwall/nfq_msg.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(NFQ_SOCK_BATCH_MAX <= ENGINE_BATCH_MAX, "a batch is decided in one call");

/* Entries that one turn may expire: few while packets arrive, many when idle. */
#define TICK_BUDGET_BUSY 64
#define TICK_BUDGET_IDLE 4096

/* Packets that a worker holds at most. */
#define HELD_MAX 16384

/* A stopping worker waits at most this long for the kernel to report an empty queue. */
#define DRAIN_NS sec_to_ns(3)

/* A received packet without a verdict yet. */
struct slot {
	uint64_t stamp_ns; /* the kernel's receive timestamp; 0 = none */
	uint32_t id;
	uint32_t nf_verdict;  /* for a packet without a frame */
	uint8_t has_frame;    /* the next of worker_bufs.frames belongs to it */
	uint8_t mark_is_ours; /* the hook rules changed the mark: accept sets it back to mark */
	uint32_t mark;
};

struct worker_bufs {
	struct frame frames[ENGINE_BATCH_MAX];
	struct decision decisions[ENGINE_BATCH_MAX];
	uint8_t kernel[ENGINE_BATCH_MAX]; /* enum kernel_state of each frame, when comparing */
	struct slot slots[ENGINE_BATCH_MAX];
	size_t frames_len;
	size_t slots_len;
	size_t stamps_len;                                /* of the slots, those with a stamp */
	const struct held_packet *held[ENGINE_BATCH_MAX]; /* of which frames are copies */
	size_t held_len;
	uint32_t frame_slot[ENGINE_BATCH_MAX];   /* number of each frame's slot */
	struct mono now;                         /* of the batch that is decided */
	struct raw_out probes[ENGINE_BATCH_MAX]; /* for held packets of the batch, to be sent */
	size_t probes_len;
	struct refusals refusals;
	struct nfq_out out;
	uint8_t out_buf[ENGINE_BATCH_MAX * NFQ_VERDICT_MARK_SIZE];
};

static void *worker_main(void *arg);
static unsigned turn(struct worker *w);
static void drain(struct worker *w);
static void sink_log(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
                     enum ct_state state);
static void sink_late(void *ctx, const struct late_event *late);
static enum raw_result sink_raw(void *ctx, const struct raw_request *req);
static enum raw_result sink_hold(void *ctx, const struct frame *frame, uint64_t token,
                                 struct mono deadline, const struct raw_request *req);
static void sink_release(void *ctx, uint64_t token);
static void answer_held(struct worker *w, struct mono now, size_t max);
static bool sink_ifname(void *ctx, uint32_t ifindex, char name[static RULE_IFNAME_SIZE]);
static bool sink_kernel_tuples(void *ctx, const struct frame *frame, struct tuple out[2]);
static void sink_flow(void *ctx, const struct flow_event *ev);
static bool sink_trace_wants(void *ctx, const struct trace *t);
static void sink_traced(void *ctx, const struct trace *t);

static void count(struct worker *w, enum nfq_count c)
{
	stat_add(&w->nfq.count[c], 1);
}

int worker_init(struct worker *w, struct engine *engine, uint32_t nr, uint16_t queue)
{
	w->bufs = calloc(1, sizeof(*w->bufs));
	if (w->bufs == NULL) {
		return -ENOMEM;
	}
	w->bufs->out =
		(struct nfq_out){ .data = w->bufs->out_buf, .buf_size = sizeof(w->bufs->out_buf) };
	w->held = held_new(HELD_MAX);
	if (w->held == NULL) {
		free(w->bufs);
		w->bufs = NULL;
		return -ENOMEM;
	}
	w->siblings = w;
	w->siblings_len = 1;
	w->engine = engine;
	w->nr = nr;
	w->queue = queue;
	w->engine_worker.sink = (struct engine_sink){
		.ctx = w,
		.log = sink_log,
		.late = sink_late,
		.raw = sink_raw,
		.hold = sink_hold,
		.release = sink_release,
		.ifname = sink_ifname,
		.kernel_tuples = sink_kernel_tuples,
		.trace_wants = sink_trace_wants,
		.traced = sink_traced,
	};
	return 0;
}

int worker_start(struct worker *w)
{
	char name[16];
	int err;

	(void)snprintf(name, sizeof(name), "queue %u", w->queue);
	err = thread_start(name, worker_main, w, &w->thread);
	w->is_running = err == 0;
	return err;
}

void worker_stop(struct worker *w)
{
	atomic_store_explicit(&w->stop, 1, memory_order_relaxed);
}

void worker_join(struct worker *w)
{
	if (w->is_running != 0) {
		(void)pthread_join(w->thread, NULL);
		w->is_running = 0;
	}
}

void worker_fini(struct worker *w)
{
	nfq_sock_close(w->sock);
	w->sock = NULL;
	free(w->bufs);
	w->bufs = NULL;
	held_free(w->held);
	w->held = NULL;
}

/* Nothing waits for an answer any longer: what is held is judged without. */
static void end_held(struct worker *w)
{
	w->holds_none = 1;
	held_release_all(w->held);
	answer_held(w, clock_now(), SIZE_MAX);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (atomic_load_explicit(&w->stop, memory_order_relaxed) == 0) {
		(void)turn(w);
	}
	end_held(w);
	if (w->keeps_queue == 0) {
		drain(w);
	}
	return NULL;
}

/* Switches to the configuration that the main thread has published, if it is a new one. */
static void take_config(struct worker *w)
{
	const struct worker_config *wanted = atomic_load_explicit(&w->wanted, memory_order_acquire);

	if (wanted == atomic_load_explicit(&w->used, memory_order_relaxed)) {
		return;
	}
	w->engine_worker.policy = &wanted->policy;
	w->engine_worker.counters = wanted->counters[w->nr];
	w->measures_latency = wanted->measures_latency;
	atomic_store_explicit(&w->used, wanted, memory_order_release);
}

/* Acknowledges changes of sets: the worker holds no reference to what they replaced. */
static void acknowledge_sets(struct worker *w)
{
	uint32_t wanted = atomic_load_explicit(&w->sets_wanted, memory_order_acquire);

	if (wanted != atomic_load_explicit(&w->sets_seen, memory_order_relaxed)) {
		atomic_store_explicit(&w->sets_seen, wanted, memory_order_release);
	}
}

/* The readers of traces and events that are in use. */
static const struct watch_list *watch_list(const struct worker *w)
{
	return atomic_load_explicit(&w->watch_used, memory_order_relaxed);
}

/* Switches to the readers that the main thread has published, if they are new. */
static void take_watch(struct worker *w)
{
	const struct watch_list *wanted =
		atomic_load_explicit(&w->watch_wanted, memory_order_acquire);
	uint32_t kinds;

	if (wanted == watch_list(w)) {
		return;
	}
	kinds = wanted->kinds;
	w->engine_worker.trace = (kinds & 1u << WATCH_TRACE) != 0 ? &w->watch_port->trace : NULL;
	w->engine_worker.sink.flow = (kinds & WATCH_FLOW_KINDS) != 0 ? sink_flow : NULL;
	w->reports_logged = (kinds & 1u << WATCH_LOGGED) != 0;
	w->reports_rejects = (kinds & 1u << WATCH_REJECT) != 0;
	atomic_store_explicit(&w->watch_used, wanted, memory_order_release);
}

/* The verdict of a packet that the engine cannot judge: drop, accept in shadow mode. */
static uint32_t verdict_unjudged(const struct worker *w)
{
	return w->engine_worker.policy->tun.enforce != 0 ? NF_DROP : NF_ACCEPT;
}

static void take_frame(struct worker *w, struct nfq_pkt *pkt)
{
	struct worker_bufs *b = w->bufs;
	bool mark_is_ours = false;

	if (w->comparer.is_on) {
		b->kernel[b->frames_len] = (uint8_t)comparer_take(&w->comparer, pkt, &mark_is_ours);
	}
	b->frame_slot[b->frames_len] = (uint32_t)b->slots_len;
	b->frames[b->frames_len++] = pkt->frame;
	b->slots[b->slots_len++] = (struct slot){ .stamp_ns = pkt->stamp_ns,
		                                  .id = pkt->id,
		                                  .has_frame = 1,
		                                  .mark_is_ours = mark_is_ours,
		                                  .mark = pkt->frame.mark };
	b->stamps_len += pkt->stamp_ns != 0;
}

/* Handles one message. */
static void take_message(struct worker *w, enum nfq_result result, struct nfq_pkt *pkt)
{
	struct worker_bufs *b = w->bufs;

	if (pkt->id_is_known != 0) {
		count(w, NFQ_COUNT_PACKETS);
		if (w->is_adopted != 0) {
			nfq_sock_end_unanswered(w->sock, pkt->id);
			w->is_adopted = 0;
		}
	}
	switch (result) {
	case NFQ_MSG_PACKET:
		take_frame(w, pkt);
		return;
	case NFQ_MSG_ERROR:
		if (pkt->error != 0 && pkt->seq != NFQ_SOCK_SEQ_UNANSWERED) {
			unsigned nr = (unsigned)pkt->error;

			count(w, NFQ_COUNT_ERRORS);
			stat_add(&w->nfq.by_errno[nr < NFQ_ERRNOS_LEN ? nr : NFQ_ERRNOS_LEN - 1],
			         1);
		}
		return;
	case NFQ_MSG_OTHER:
		return;
	case NFQ_MSG_HOOK:
	case NFQ_MSG_FAMILY:
	case NFQ_MSG_NO_PAYLOAD:
		count(w, NFQ_COUNT_UNUSABLE);
		break;
	default:
		count(w, NFQ_COUNT_MALFORMED);
		break;
	}
	if (pkt->id_is_known != 0) {
		b->slots[b->slots_len++] =
			(struct slot){ .id = pkt->id, .nf_verdict = verdict_unjudged(w) };
	}
}

/* Appends the verdict message of a decision: the only place that maps the engine's verdicts. */
static void put_decision(struct worker *w, const struct slot *slot, const struct decision *d)
{
	struct nfq_out *out = &w->bufs->out;
	uint32_t id = slot->id;

	switch (d->verdict) {
	case VERDICT_ACCEPT:
		if (d->mark_is_set != 0) {
			(void)nfq_put_verdict_mark(out, w->queue, id, NF_ACCEPT, d->mark);
		} else if (slot->mark_is_ours != 0) {
			(void)nfq_put_verdict_mark(out, w->queue, id, NF_ACCEPT, slot->mark);
		} else {
			(void)nfq_put_verdict(out, w->queue, id, NF_ACCEPT);
		}
		break;
	default:
		(void)nfq_put_verdict(out, w->queue, id, NF_DROP);
		break;
	}
}

/* Notes the answer to a rejected packet; the packet itself is dropped. */
static void refuse(struct worker *w, const struct frame *frame, const struct decision *d,
                   struct mono now)
{
	const struct worker_config *cfg = atomic_load_explicit(&w->used, memory_order_relaxed);

	refusals_add(&w->bufs->refusals, cfg->limits, frame, (enum reject_with)d->reject_with, now);
	if (w->reports_rejects) {
		watch_port_put_reject(w->watch_port, watch_list(w), now, frame, d,
		                      cfg->policy.generation);
	}
}

/* Sends the answers to the rejected packets of the batch. */
static void send_refusals(struct worker *w)
{
	const struct worker_config *cfg = atomic_load_explicit(&w->used, memory_order_relaxed);
	struct refusals *r = &w->bufs->refusals;

	stat_add(&w->nfq.count[NFQ_COUNT_RAW_LOST], refusals_send(r, &cfg->raw));
	stat_add(&w->nfq.count[NFQ_COUNT_RAW_LIMITED], r->limited);
	r->limited = 0;
}

/* Sends the probes for the packets of the batch that are held: after the verdicts of the others. */
static void send_probes(struct worker *w)
{
	const struct worker_config *cfg = atomic_load_explicit(&w->used, memory_order_relaxed);
	struct worker_bufs *b = w->bufs;

	stat_add(&w->nfq.count[NFQ_COUNT_RAW_LOST],
	         rawsend_put(&cfg->raw, b->probes, b->probes_len));
	b->probes_len = 0;
}

/* Latency from the receive to the decision. */
static void measure_decided(struct worker *w, struct mono received)
{
	int64_t took_ns = mono_diff(clock_now(), received);

	histogram_add(&w->decide_ns, (uint64_t)took_ns, w->bufs->slots_len);
}

/* Latency until the kernel has applied the verdicts: the send returns after that. */
static void measure_sent(struct worker *w, struct mono received)
{
	struct worker_bufs *b = w->bufs;
	int64_t took_ns = mono_diff(clock_now(), received);
	uint64_t wall_ns;

	histogram_add(&w->verdict_ns, (uint64_t)took_ns, b->slots_len);
	if (b->stamps_len == 0) {
		return;
	}
	wall_ns = clock_wall_ns();
	for (size_t i = 0; i < b->slots_len; i++) {
		uint64_t stamp_ns = b->slots[i].stamp_ns;

		/* The wall clock may have been set back since. */
		if (stamp_ns != 0 && stamp_ns <= wall_ns) {
			histogram_add(&w->stay_ns, wall_ns - stamp_ns, 1);
		}
	}
}

/* Compares the engine's state of each packet with that of the kernel's tracker. */
static void compare(struct worker *w, struct mono now)
{
	const struct worker_bufs *b = w->bufs;

	for (size_t i = 0; i < b->frames_len; i++) {
		/* The answer took time: the kernel's tracker may be further by now. */
		if (b->decisions[i].is_held != 0 || b->frames[i].was_held != 0) {
			continue;
		}
		if (!comparer_note(&w->comparer, &w->events, &w->engine_worker.policy->tun, now,
		                   &b->frames[i], &b->decisions[i],
		                   (enum kernel_state)b->kernel[i])) {
			count(w, NFQ_COUNT_EVENTS_LOST);
		}
	}
}

/* Decides all received packets and sends their verdicts. */
static void answer(struct worker *w, struct mono now)
{
	struct worker_bufs *b = w->bufs;
	const struct decision *decision = b->decisions;
	bool measures = w->measures_latency && b->held_len == 0;
	bool refused = false;
	size_t verdicts_len;

	if (b->slots_len == 0) {
		return;
	}
	b->now = now;
	engine_batch(w->engine, &w->engine_worker, now, b->frames, b->frames_len, b->decisions);
	for (size_t i = 0; i < b->slots_len; i++) {
		const struct slot *slot = &b->slots[i];

		if (slot->has_frame != 0 && decision->is_held != 0) {
			decision++;
		} else if (slot->has_frame != 0) {
			if (decision->verdict == VERDICT_REJECT) {
				refuse(w, &b->frames[decision - b->decisions], decision, now);
				refused = true;
			}
			put_decision(w, slot, decision++);
		} else {
			(void)nfq_put_verdict(&b->out, w->queue, slot->id, slot->nf_verdict);
		}
	}
	if (measures) {
		measure_decided(w, now);
	}
	verdicts_len = b->out.len;
	if (verdicts_len > 0 && nfq_sock_send(w->sock, &b->out) == 0) {
		stat_add(&w->nfq.count[NFQ_COUNT_VERDICTS], verdicts_len);
	}
	if (measures) {
		measure_sent(w, now);
	}
	if (refused) {
		send_refusals(w);
	}
	if (b->probes_len > 0) {
		send_probes(w);
	}
	if (w->comparer.is_on) {
		compare(w, now);
	}
	b->frames_len = 0;
	b->slots_len = 0;
	b->stamps_len = 0;
}

/* Adds a held packet that is due to the batch. */
static void take_held(struct worker *w, const struct held_packet *p)
{
	struct worker_bufs *b = w->bufs;

	b->held[b->held_len++] = p;
	b->frame_slot[b->frames_len] = (uint32_t)b->slots_len;
	b->frames[b->frames_len] = p->frame;
	b->frames[b->frames_len++].was_held = 1;
	b->slots[b->slots_len++] = (struct slot){
		.id = p->id, .has_frame = 1, .mark_is_ours = p->mark_is_ours, .mark = p->mark
	};
}

/* Decides up to max held packets that are due, and sends their verdicts. */
static void answer_held(struct worker *w, struct mono now, size_t max)
{
	struct worker_bufs *b = w->bufs;
	const struct held_packet *p;
	bool is_last = false;

	while (max > 0 && !is_last) {
		while (b->held_len < ENGINE_BATCH_MAX && b->held_len < max &&
		       (p = held_next(w->held, now)) != NULL) {
			take_held(w, p);
		}
		is_last = b->held_len < ENGINE_BATCH_MAX;
		max -= b->held_len;
		answer(w, now);
		for (size_t i = 0; i < b->held_len; i++) {
			histogram_add(&w->held_ns, (uint64_t)mono_diff(now, b->held[i]->since), 1);
			held_done(w->held, b->held[i]);
		}
		b->held_len = 0;
	}
}

/* Handles the received datagrams; the kernel puts one packet into each. */
static void take_batch(struct worker *w, unsigned datagrams_len, struct mono now)
{
	enum nfq_result result;
	struct nfq_pkt pkt;

	for (unsigned i = 0; i < datagrams_len; i++) {
		struct cursor datagram = nfq_sock_datagram(w->sock, i);

		while ((result = nfq_msg_next(&datagram, &pkt)) != NFQ_MSG_END) {
			take_message(w, result, &pkt);
			if (w->bufs->slots_len == ENGINE_BATCH_MAX) {
				answer(w, now);
			}
		}
	}
	answer(w, now);
	/* Others do not wait while many are due at once; an idle turn decides them all. */
	answer_held(w, now,
	            datagrams_len == 0 ? SIZE_MAX : ENGINE_BATCH_MAX + 2 * (size_t)datagrams_len);
}

/* One turn. Returns the number of datagrams received. */
static unsigned turn(struct worker *w)
{
	unsigned datagrams_len;
	struct mono now;

	datagrams_len = nfq_sock_recv(w->sock);
	/* Before the configuration and the sets: a lease that is granted by what is replaced
	 * meanwhile is stale. */
	w->engine_worker.lease_generation = engine_lease_generation(w->engine);
	/* After the wait: packets that arrive after the reply to a reload get the new policy. */
	take_config(w);
	acknowledge_sets(w);
	take_watch(w);
	now = clock_now();
	w->now = now;
	take_batch(w, datagrams_len, now);
	engine_tick(w->engine, &w->engine_worker, now,
	            datagrams_len == 0 ? TICK_BUDGET_IDLE : TICK_BUDGET_BUSY);
	atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	return datagrams_len;
}

/* Stops queueing, sends verdicts until no packet waits or the deadline passes, unbinds the queue.
 */
static void drain(struct worker *w)
{
	struct mono deadline = mono_add(clock_now(), DRAIN_NS);
	struct nfq_proc queue = { .waiting = 0 };

	(void)nfq_sock_refuse(w->sock);
	do {
		while (turn(w) > 0 && !mono_is_due(deadline, clock_now())) {
		}
		if (nfq_proc_read(w->queue, &queue) != 0) {
			break;
		}
	} while (queue.waiting > 0 && !mono_is_due(deadline, clock_now()));
	w->waiting_at_exit = queue.waiting;
	(void)nfq_sock_unbind(w->sock);
}

static void sink_log(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
                     enum ct_state state)
{
	struct worker *w = ctx;

	if (!event_ring_put_log(&w->events, w->engine_worker.policy->generation, rs, log_nr, pkt,
	                        state)) {
		count(w, NFQ_COUNT_EVENTS_LOST);
	}
	if (w->reports_logged) {
		watch_port_put_logged(w->watch_port, watch_list(w), w->now, rs, log_nr, pkt);
	}
}

static void sink_late(void *ctx, const struct late_event *late)
{
	struct worker *w = ctx;

	if (!event_ring_put_late(&w->events, w->engine_worker.policy->generation, late)) {
		count(w, NFQ_COUNT_EVENTS_LOST);
	}
}

/* Rare: its own system call is acceptable. */
static enum raw_result sink_raw(void *ctx, const struct raw_request *req)
{
	struct worker *w = ctx;
	const struct worker_config *cfg = atomic_load_explicit(&w->used, memory_order_relaxed);
	int err = rawsend_put_one(&cfg->raw, &(struct raw_out){ .req = *req });

	if (err == 0) {
		return RAW_SENT;
	}
	count(w, NFQ_COUNT_RAW_LOST);
	return err == -EAGAIN || err == -ENOBUFS ? RAW_BUSY : RAW_UNAVAILABLE;
}

static enum raw_result sink_hold(void *ctx, const struct frame *frame, uint64_t token,
                                 struct mono deadline, const struct raw_request *req)
{
	struct worker *w = ctx;
	const struct worker_bufs *b = w->bufs;
	const struct slot *slot = &b->slots[b->frame_slot[frame - b->frames]];
	const struct held_packet packet = {
		.frame = *frame,
		.token = token,
		.since = b->now,
		.deadline = deadline,
		.id = slot->id,
		.mark = slot->mark,
		.mark_is_ours = slot->mark_is_ours,
	};
	const struct worker_config *cfg = atomic_load_explicit(&w->used, memory_order_relaxed);

	if (w->holds_none != 0 || (req != NULL && cfg->raw.fd < 0)) {
		return RAW_UNAVAILABLE;
	}
	if (!held_add(w->held, &packet)) {
		return RAW_BUSY;
	}
	if (req != NULL) {
		/* At most one for each packet of the batch. */
		w->bufs->probes[w->bufs->probes_len++] = (struct raw_out){ .req = *req };
	}
	return RAW_SENT;
}

/* A sibling that holds such a packet is woken up. */
static void sink_release(void *ctx, uint64_t token)
{
	struct worker *w = ctx;

	for (uint32_t i = 0; i < w->siblings_len; i++) {
		struct worker *sibling = &w->siblings[i];

		if (held_release(sibling->held, token) > 0 && sibling != w) {
			nfq_sock_wake(sibling->sock);
		}
	}
}

/* Rare: between the creation of an interface and the main thread's notice of it. */
static bool sink_ifname(void *ctx, uint32_t ifindex, char name[static RULE_IFNAME_SIZE])
{
	(void)ctx;
	return ifname_query(ifindex, name);
}

static bool sink_kernel_tuples(void *ctx, const struct frame *frame, struct tuple out[2])
{
	(void)ctx;
	return frame->ct_size != 0 &&
	       conntrack_tuples(frame->data + frame->ct_at, frame->ct_size, out);
}

static void sink_flow(void *ctx, const struct flow_event *ev)
{
	struct worker *w = ctx;

	watch_port_put_flow(w->watch_port, watch_list(w), ev);
}

static bool sink_trace_wants(void *ctx, const struct trace *t)
{
	return watch_port_wants_trace(watch_list(ctx), t);
}

static void sink_traced(void *ctx, const struct trace *t)
{
	struct worker *w = ctx;

	watch_port_put_trace(w->watch_port, watch_list(w), t);
}
