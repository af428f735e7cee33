/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall's side: converter, parser, compiler and engine.
 */
#include "side.h"

#include "config_text.h"
#include "io/route_read.h"
#include "iptables/convert.h"

#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLOWS_MAX   65536
#define TICK_BUDGET 16

struct side {
	struct engine *engine;
	void *mem;
	struct engine_worker *worker;
	struct policy policy;
	struct rs_routes *routes; /* or NULL */
};

static char *convert_rules(const char *name, enum kernel_rules kind, const char *rules,
                           const char *ipsets)
{
	char *copy = strdup(rules);
	struct convert c;
	char *text;

	if (copy == NULL || kind == KERNEL_NFT) {
		return copy;
	}
	convert_init(&c, stderr);
	if (ipsets != NULL) {
		convert_read_ipsets(&c, ipsets, strlen(ipsets));
	}
	convert_read(&c, name, copy, strlen(copy),
	             kind == KERNEL_IPTABLES ? CONVERT_IP : CONVERT_IP6);
	text = convert_write(&c);
	if (c.problems > 0) {
		free(text);
		text = NULL;
	}
	convert_fini(&c);
	free(copy);
	return text;
}

static struct ruleset *compile(const char *name, enum kernel_rules kind, const char *rules,
                               const char *ipsets, struct mono now)
{
	struct ruleset *rs = NULL;
	struct config *c;
	char *errors = NULL;
	char *text = convert_rules(name, kind, rules, ipsets);

	if (text == NULL) {
		return NULL;
	}
	c = config_text_load(name, text, &errors);
	if (c == NULL) {
		fputs(errors != NULL ? errors : "no memory\n", stderr);
	} else {
		rs = config_compile(c);
		config_start(c, now);
	}
	free(errors);
	free(text);
	config_free(c);
	return rs;
}

struct side *side_new(const char *name, enum kernel_rules kind, const char *rules,
                      const char *ipsets, struct mono now)
{
	struct engine_config cfg = {
		.flows_max = FLOWS_MAX,
		.accounts = true,
		.shards_len = 1,
		.hash_key = { 1, 2 },
		.start = now,
	};
	size_t size = (engine_size(&cfg) + 63) & ~(size_t)63;
	struct side *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->worker = aligned_alloc(64, (sizeof(*s->worker) + 63) & ~(size_t)63);
	s->mem = aligned_alloc(64, size);
	s->policy.rules = compile(name, kind, rules, ipsets, now);
	if (s->worker == NULL || s->mem == NULL || s->policy.rules == NULL) {
		side_free(s);
		return NULL;
	}
	memset(s->worker, 0, sizeof(*s->worker));
	memset(s->mem, 0, size);
	tunables_init(&s->policy.tun);
	s->policy.tun.late_close = LATE_STRICT;
	s->policy.tun.on_idle = IDLE_FORGET;
	s->policy.tun.resurrect = 0;
	s->policy.tun.checksum = CSUM_POLICY_FULL;
	s->worker->policy = &s->policy;
	s->engine = engine_init(s->mem, &cfg);
	return s;
}

bool side_reload(struct side *s, struct mono now, const char *rules, char **errors)
{
	struct config *c = config_text_load("rules", rules, errors);
	struct ruleset *rs;

	if (c == NULL) {
		return false;
	}
	rs = config_compile(c);
	config_start(c, now);
	config_free(c);
	if (rs == NULL) {
		abort();
	}
	ruleset_free(s->policy.rules);
	s->policy.rules = rs;
	ruleset_set_routes(rs, s->routes);
	for (unsigned i = 0; i < KERNEL_IFACES_LEN; i++) {
		side_iface(s, kernel_ifindex(i), kernel_iface[i]);
	}
	return true;
}

void side_free(struct side *s)
{
	if (s == NULL) {
		return;
	}
	ruleset_free(s->policy.rules);
	routes_free(s->routes);
	free(s->mem);
	free(s->worker);
	free(s);
}

void side_follow(struct side *s, enum kernel_variant variant)
{
	s->policy.tun.tcp_kernel = variant;
}

void side_iface(struct side *s, uint32_t ifindex, const char *name)
{
	ruleset_set_ifname(s->policy.rules, ifindex, name);
}

/* What has to be added to the monotonic clock for the time of day. */
static int64_t wall_ns(struct mono now)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec - now.ns;
}

bool side_read_routes(struct side *s)
{
	struct route_dump dump = { 0 };
	int err = route_read(ROUTES_IP4 | ROUTES_IP6 | ROUTES_LINKS, &dump);

	if (err == 0) {
		routes_free(s->routes);
		s->routes = routes_new(&dump);
		ruleset_set_routes(s->policy.rules, s->routes);
	}
	route_dump_fini(&dump);
	return err == 0 && s->routes != NULL && dump.unknown_rules == 0;
}

/* The key of the packet's own connection. Returns false if the packet cannot open one. */
static bool own_key(const struct frame *frame, struct flowkey *key, enum key_side *side)
{
	struct pkt p;

	return pkt_decode(frame, &p) == REASON_NONE && p.depth == PKT_FULL &&
	       flowkey_from_tuple(&p.tuple, key, side);
}

bool side_is_unanswered(struct side *s, struct mono now, const struct frame *frame)
{
	enum key_side side;
	struct flowkey key;
	struct flow flow;

	return own_key(frame, &key, &side) && engine_find_flow(s->engine, &key, now, &flow) &&
	       (flow.status & FLOW_SEEN_REPLY) == 0 && flow_orig_side(&flow) == side;
}

void side_forget(struct side *s, struct mono now, const struct frame *frame)
{
	enum key_side side;
	struct flowkey key;

	if (own_key(frame, &key, &side)) {
		engine_delete(s->engine, s->worker, &key, now, DELETE_FORGET);
	}
}

void side_decide(struct side *s, struct mono now, const struct frame *frame, struct decision *out)
{
	ruleset_set_wall(s->policy.rules, wall_ns(now));
	engine_batch(s->engine, s->worker, now, frame, 1, out);
	engine_tick(s->engine, s->worker, now, TICK_BUDGET);
}
