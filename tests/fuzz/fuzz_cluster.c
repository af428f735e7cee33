/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of other nodes, applied to an engine: no message may crash it, or change an entry of
 * this node but to a later state of the same connection. The first byte chooses what is in the
 * table.
 */
#include "cluster/apply.h"

#include "fuzz.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static const struct mono now = { 20000 * NSEC_PER_SEC };

/* An entry of this node, of the connection that the corpus has. */
static struct flow own_flow(void)
{
	struct flow f = { .status = FLOW_SEEN_REPLY | FLOW_ASSURED, .hook = HOOK_FORWARD };

	f.key.lo.bytes[0] = 10;
	f.key.hi.bytes[0] = 20;
	f.key.lo_port = 50000;
	f.key.hi_port = 443;
	f.key.proto = IPPROTO_NR_TCP;
	f.key.family = 4;
	f.deadline = mono_add(now, sec_to_ns(1000));
	f.conn.tcp.state = TCP_FIN_WAIT;
	f.conn.tcp.seen[0] = (struct tcp_seen){ 1000, 60000, 50000, 900 };
	f.conn.tcp.seen[1] = (struct tcp_seen){ 2000, 60000, 50000, 1000 };
	return f;
}

/* What is left of it is the same connection, in the same or a later state. */
static void check_own(struct world *w, const struct flow *before)
{
	struct flow f;

	if (!engine_find_flow(w->engine, &before->key, now, &f)) {
		return; /* deleted by command */
	}
	FUZZ_REQUIRE(f.conn.tcp.state < TCP_STATES_LEN && f.conn.tcp.state != TCP_NONE);
	if ((f.probes & FLOW_PROBE_REPLICATED) == 0) {
		FUZZ_REQUIRE(f.conn.tcp.state == TCP_SYN_SENT2 ||
		             f.conn.tcp.state >= before->conn.tcp.state);
		FUZZ_REQUIRE((f.status & FLOW_ASSURED) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct apply_stream stream = { .node = 1 };
	struct apply_env env = { .takes_sets = false };
	struct engine_cursor at = { 0 };
	const struct peer_mark mark = { .node = 1, .seq = 1000 };
	struct flow own = own_flow();
	struct cluster_header h;
	struct world w;

	if (size < 1) {
		return 0;
	}
	world_init_node(&w, 8, 8, 1);
	w.now = now;
	env.engine = w.engine;
	env.worker = w.worker;
	if ((data[0] & 1) != 0) {
		FUZZ_REQUIRE(engine_import_flow(w.engine, w.worker, &own, now));
	}
	(void)apply_peek(data + 1, size - 1, &h);
	(void)apply_message(&env, &stream, data + 1, size - 1, data[0] & 2 ? 100000 : 10, now);
	if ((data[0] & 1) != 0) {
		check_own(&w, &own);
	}
	/* again: a repetition */
	(void)apply_message(&env, &stream, data + 1, size - 1, INT64_MIN, now);
	while (!engine_list_is_over(w.engine, &at)) {
		(void)engine_peer_sweep(w.engine, &at, &mark);
	}
	w.now = mono_add(now, sec_to_ns(500 * 86400));
	world_tick(&w);
	world_fini(&w);
	return 0;
}
