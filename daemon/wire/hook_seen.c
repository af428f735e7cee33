/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hook rules as the kernel has them. See hook_seen.h. */
#include "hook_seen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chains that are searched for an accept, for one hook. With more, one is assumed. */
#define SEARCHED_MAX 64

/* Chains that rules before ours jump to; each is searched once. */
struct search {
	char chain[SEARCHED_MAX][KERNEL_CHAIN_SIZE];
	unsigned len;
	bool accepts;
};

/* The built-in chain, read up to our rule. */
struct before {
	const struct hook_place *place;
	struct search search;
	struct seen_hook found; /* by a queue rule in this chain */
	bool has_jump;          /* to our chain */
};

static void search_add(struct search *s, const char *chain)
{
	for (unsigned i = 0; i < s->len; i++) {
		if (strcmp(s->chain[i], chain) == 0) {
			return;
		}
	}
	if (s->len == SEARCHED_MAX) {
		s->accepts = true;
		return;
	}
	memcpy(s->chain[s->len++], chain, KERNEL_CHAIN_SIZE);
}

static void add_queues(struct seen_hook *h, const struct kernel_rule *rule)
{
	if (!h->is_queued || rule->queue_first < h->queue_first) {
		h->queue_first = rule->queue_first;
	}
	if (!h->is_queued || rule->queue_last > h->queue_last) {
		h->queue_last = rule->queue_last;
	}
	h->is_queued = true;
}

/* A rule of our chain. */
static bool read_own(void *ctx, const struct kernel_rule *rule)
{
	if (rule->target == TARGET_QUEUE) {
		add_queues(ctx, rule);
	}
	return true;
}

/*
 * A rule of the built-in chain. A return ends it, and so does a goto to a chain that returns; then
 * the chain's policy decides.
 */
static bool read_builtin(void *ctx, const struct kernel_rule *rule)
{
	struct before *b = ctx;

	switch (rule->target) {
	case TARGET_JUMP:
		if (strcmp(rule->chain, b->place->chain) == 0) {
			b->has_jump = true;
			return false;
		}
		search_add(&b->search, rule->chain);
		return true;
	case TARGET_QUEUE:
		if (rule->queue_first <= b->place->queue_last &&
		    rule->queue_last >= b->place->queue_first) {
			add_queues(&b->found, rule);
			return false;
		}
		b->search.accepts = true;
		return true;
	case TARGET_ACCEPT:
	case TARGET_RETURN:
	case TARGET_GOTO:
		b->search.accepts = true;
		return true;
	default:
		return true;
	}
}

/* A rule of a chain that the built-in chain jumps to; a return leads back. */
static bool read_other(void *ctx, const struct kernel_rule *rule)
{
	struct search *s = ctx;

	switch (rule->target) {
	case TARGET_ACCEPT:
	case TARGET_QUEUE:
		s->accepts = true;
		return false;
	case TARGET_JUMP:
	case TARGET_GOTO:
		search_add(s, rule->chain);
		return true;
	default:
		return true;
	}
}

static void merge(struct seen_hook *out, const struct seen_hook *h, const struct hook_place *place)
{
	struct kernel_rule range = { .queue_first = h->queue_first, .queue_last = h->queue_last };
	/* bypassed only if every place is */
	const bool is_bypassed = h->is_bypassed && (!out->is_queued || out->is_bypassed);

	add_queues(out, &range);
	out->is_bypassed = is_bypassed;
	out->is_shadow |= place->is_shadow;
	out->is_enforced |= !place->is_shadow;
}

/* Reads the built-in chain, the chains before ours, and ours. */
static int read_iptables(const struct kernel_chains *chains, struct before *b, struct seen_hook *h)
{
	int err = chains->each(chains->ctx, b->place->builtin, read_builtin, b);

	*h = b->found;
	if (err == 0 && b->has_jump) {
		err = chains->each(chains->ctx, b->place->chain, read_own, h);
	}
	/* search_add() extends the list meanwhile */
	for (unsigned i = 0; err == 0 && h->is_queued && !b->search.accepts && i < b->search.len;
	     i++) {
		err = chains->each(chains->ctx, b->search.chain[i], read_other, &b->search);
	}
	h->is_bypassed = b->search.accepts;
	return err;
}

int hook_seen_read(const struct kernel_chains *chains, const struct hook_place *place,
                   struct seen_hook *out)
{
	struct seen_hook h = { .is_queued = false };
	int err;

	if (place->builtin == NULL) {
		err = chains->each(chains->ctx, place->chain, read_own, &h);
	} else {
		struct before *b = calloc(1, sizeof(*b));

		if (b == NULL) {
			return -ENOMEM;
		}
		b->place = place;
		err = read_iptables(chains, b, &h);
		free(b);
	}
	if (err == 0 && h.is_queued) {
		merge(out, &h, place);
	}
	return err;
}

const char *hook_fault_name(enum hook_fault fault)
{
	static const char *const names[HOOK_FAULTS_LEN] = {
		[HOOK_FAULT_NONE] = "none",         [HOOK_FAULT_MISSING] = "missing",
		[HOOK_FAULT_BYPASSED] = "bypassed", [HOOK_FAULT_MODE] = "mode",
		[HOOK_FAULT_QUEUES] = "queues",     [HOOK_FAULT_KERNEL] = "kernel-part",
		[HOOK_FAULT_TAKEN] = "taken",       [HOOK_FAULT_UNKNOWN] = "unknown",
	};

	return names[fault];
}

static const char *const seen_family_names[SEEN_FAMILIES_LEN] = { "IPv4", "IPv6" };
static const char *const seen_hook_names[HOOKS_LEN] = { "input", "forward", "output" };

/* A list of hooks as text: "IPv4 input, IPv6 input". */
struct hook_list {
	char text[96];
	size_t size;
};

static void list_add(struct hook_list *l, unsigned family, unsigned hook)
{
	int n = snprintf(l->text + l->size, sizeof(l->text) - l->size, "%s%s %s",
	                 l->size > 0 ? ", " : "", seen_family_names[family], seen_hook_names[hook]);

	if (n > 0 && (size_t)n < sizeof(l->text) - l->size) {
		l->size += (size_t)n;
	}
}

static enum hook_fault fault_of(const struct seen_hook *h, const struct hook_wanted *wanted)
{
	if (!h->is_queued) {
		return HOOK_FAULT_MISSING;
	}
	if (h->is_bypassed) {
		return HOOK_FAULT_BYPASSED;
	}
	if (wanted->is_shadow ? h->is_enforced : h->is_shadow) {
		return HOOK_FAULT_MODE;
	}
	if (h->queue_first != wanted->queue_first || h->queue_last != wanted->queue_last) {
		return HOOK_FAULT_QUEUES;
	}
	return HOOK_FAULT_NONE;
}

enum hook_fault hook_seen_check(const struct hook_seen *seen, const struct hook_wanted *wanted,
                                char text[HOOK_FAULT_TEXT_SIZE])
{
	struct hook_list hooks[HOOK_FAULTS_LEN] = { 0 };
	const struct seen_hook *other = NULL; /* one with other queues */

	for (unsigned i = 0; i < SEEN_FAMILIES_LEN * HOOKS_LEN; i++) {
		const unsigned family = i / HOOKS_LEN;
		const unsigned hook = i % HOOKS_LEN;

		if (wanted->hooked[hook] && wanted->has_family[family]) {
			const struct seen_hook *h = &seen->at[family][hook];
			enum hook_fault fault = fault_of(h, wanted);

			list_add(&hooks[fault], family, hook);
			other = fault == HOOK_FAULT_QUEUES ? h : other;
		}
	}
	text[0] = '\0';
	if (hooks[HOOK_FAULT_MISSING].size > 0) {
		snprintf(text, HOOK_FAULT_TEXT_SIZE, "no hook rule queues packets of %s",
		         hooks[HOOK_FAULT_MISSING].text);
		return HOOK_FAULT_MISSING;
	}
	if (hooks[HOOK_FAULT_BYPASSED].size > 0) {
		snprintf(text, HOOK_FAULT_TEXT_SIZE,
		         "rules before the hook rules can accept packets of %s",
		         hooks[HOOK_FAULT_BYPASSED].text);
		return HOOK_FAULT_BYPASSED;
	}
	if (hooks[HOOK_FAULT_MODE].size > 0) {
		snprintf(text, HOOK_FAULT_TEXT_SIZE, "the hook rules are those of %s",
		         wanted->is_shadow ? "enforce on: accepted packets skip other rules"
		                           : "enforce off: reject sends no answer");
		return HOOK_FAULT_MODE;
	}
	if (other != NULL) {
		snprintf(text, HOOK_FAULT_TEXT_SIZE,
		         "the hook rules use the queues %" PRIu32 "-%" PRIu32
		         ", the configuration %" PRIu32 "-%" PRIu32,
		         other->queue_first, other->queue_last, wanted->queue_first,
		         wanted->queue_last);
		return HOOK_FAULT_QUEUES;
	}
	return HOOK_FAULT_NONE;
}
