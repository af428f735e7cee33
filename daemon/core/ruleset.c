/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evaluation of compiled rules: a loop over instructions (finwall/ruleset_layout.h). It relies on
 * the compiler: targets exist, jumps nest at most RS_JUMPS_MAX deep, each list ends in a verdict or
 * RS_RETURN. Must not know the text of the rules.
 *
 * A match on a field that the packet does not have (cut off, a fragment, another protocol) fails,
 * negated or not.
 */
#include <finwall/ruleset.h>

#include "gcra.h"
#include "ruleset_code.h"

#include <finwall/bytes.h>
#include <finwall/stats.h>

#include <stdatomic.h>

/* An evaluation. */
struct eval {
	const struct ruleset *rs;
	struct ruleset_counters *ctr;
	const struct rule_input *in;
	struct rule_result *out;
	uint32_t mark;   /* as set by the rules so far */
	uint32_t loaded; /* by RS_LOAD */
};

static enum rs_family family_of(const struct pkt *p);
static void give_verdict(const struct rs_insn *i, struct rule_result *out);
static bool field_is_there(const struct pkt *p, const struct rs_insn *i);
static bool bitmap_has(const struct ruleset *rs, uint32_t at, uint32_t v);
static bool set32_has(const struct rs_set32 *s, uint32_t v);
static bool set128_has(const struct rs_set128 *s, struct u128 v);
static bool iface_has(const struct eval *ev, const struct rs_insn *i, uint32_t ifindex);
static bool find(const struct eval *ev, const struct rs_insn *i, uint32_t *nr);
static bool set_mapped_mark(struct eval *ev, const struct rs_insn *i);
static void set_mark(struct eval *ev, const struct rs_insn *i, uint32_t mark);
static void act(struct eval *ev, const struct rs_insn *i);
static bool key_matches(const struct eval *ev, const struct rs_insn *i);
static bool key_in_map(const struct eval *ev, const struct rs_insn *i, uint32_t *nr);
static bool set_mark_by_key(struct eval *ev, const struct rs_insn *i);

/* The matches of one field, one case each, so that a rule costs one jump. */
#define MATCHES(field, value)                                                                      \
	case RS_RANGE | (field):                                                                   \
		hit = (uint32_t)(value)-i->a <= i->b;                                              \
		break;                                                                             \
	case RS_MASKED | (field):                                                                  \
		hit = ((uint32_t)(value)&i->a) == i->b;                                            \
		break;                                                                             \
	case RS_BITMAP | (field):                                                                  \
		hit = bitmap_has(rs, i->a, (uint32_t)(value));                                     \
		break;                                                                             \
	case RS_SET32 | (field):                                                                   \
		hit = set32_has(&rs->set32[i->a], (uint32_t)(value));                              \
		break;                                                                             \
	case RS_TREE32 | (field):                                                                  \
		hit = rs_set_has32(rs->set[i->a], (uint32_t)(value));                              \
		break;

#define IFACE_MATCHES(field, value)                                                                \
	case RS_IFACE | (field):                                                                   \
		return iface_has(ev, i, value);

/*
 * The result of a match whose field the packet has.
 */
static inline __attribute__((always_inline)) bool matches(const struct eval *ev,
                                                          const struct rs_insn *i)
{
	const struct ruleset *rs = ev->rs;
	const struct pkt *p = ev->in->pkt;
	const uint32_t mark = ev->mark;
	const enum flow_dir dir = ev->in->dir;
	bool hit = false;

	switch (i->op) {
		RS_FIELDS(MATCHES)
		MATCHES(RS_F_HEADER,
		        ruleset_field((enum rs_field)i->with, ev->in, mark, ev->loaded))
		RS_IFACE_FIELDS(IFACE_MATCHES)
	case RS_SET128 | RS_F_SADDR:
		hit = set128_has(&rs->set128[i->a], u128_from_ip6(p->tuple.src.bytes));
		break;
	case RS_SET128 | RS_F_DADDR:
		hit = set128_has(&rs->set128[i->a], u128_from_ip6(p->tuple.dst.bytes));
		break;
	case RS_TREE128 | RS_F_SADDR:
		hit = rs_set_has128(rs->set[i->a], u128_from_ip6(p->tuple.src.bytes));
		break;
	case RS_TREE128 | RS_F_DADDR:
		hit = rs_set_has128(rs->set[i->a], u128_from_ip6(p->tuple.dst.bytes));
		break;
	case RS_SET128 | RS_F_HEADER:
		hit = set128_has(&rs->set128[i->a], ruleset_wide((enum rs_field)i->with, ev->in));
		break;
	case RS_TREE128 | RS_F_HEADER:
		hit = rs_set_has128(rs->set[i->a], ruleset_wide((enum rs_field)i->with, ev->in));
		break;
	case RS_LIMIT: {
		struct rs_bucket *b = &rs->bucket[i->a];

		hit = ev->in->mode == EVAL_AGAIN ? true
		      : rule_is_dry(ev->in)
		              ? gcra_has(&b->full_ns, b->slack_ns, ev->in->now)
		              : gcra_take(&b->full_ns, b->interval_ns, b->slack_ns, ev->in->now);
		break;
	}
	}
	return hit != i->negated;
}

/* As the kernel's nft_quota.c: the packet that exceeds it is counted, too. */
static bool quota_is_used_up(const struct eval *ev, struct rs_quota *q)
{
	const uint64_t size = ev->in->pkt->frame->true_size;
	uint64_t used;

	if (ev->in->mode == EVAL_AGAIN) {
		used = atomic_load_explicit(&q->used, memory_order_relaxed);
	} else if (rule_is_dry(ev->in)) {
		used = atomic_load_explicit(&q->used, memory_order_relaxed) + size;
	} else {
		used = atomic_fetch_add_explicit(&q->used, size, memory_order_relaxed) + size;
	}
	return used > q->bytes;
}

/* Notes that the packet matched the whole rule of an instruction. */
static void note_rule(const struct eval *ev, const struct rs_insn *i, enum rule_step_then then,
                      struct rule_trace *t)
{
	struct rule_step step = {
		.kind = STEP_RULE,
		.rule_nr = ev->rs->rule_of[i - ev->rs->code],
		.then = (uint8_t)then,
	};

	switch (then) {
	case STEP_JUMP:
	case STEP_GOTO:
		step.chain_nr = i->b;
		break;
	case STEP_VERDICT:
		step.code = (uint8_t)i->a;
		step.with = i->with;
		break;
	default:
		break;
	}
	rule_trace_add(t, &step);
}

/* After an instruction that did not fail: notes its rule if that ends there. */
static void note_passed(const struct eval *ev, const struct rs_insn *i, struct rule_trace *t)
{
	const uint32_t *rule_of = &ev->rs->rule_of[i - ev->rs->code];

	if (rule_of[0] != rule_of[1]) {
		note_rule(ev, i, STEP_CONTINUE, t);
	}
}

/* A return: of a rule, or at the end of a list. chain_nr: where it is, if a rule jumped there. */
static void note_return(const struct eval *ev, const struct rs_insn *i, unsigned depth,
                        uint32_t chain_nr, struct rule_trace *t)
{
	if (ev->rs->rule_of[i - ev->rs->code] != UINT32_MAX) {
		note_rule(ev, i, STEP_RETURN, t);
	} else if (depth > 0) {
		rule_trace_add(t, &(struct rule_step){ .kind = STEP_END, .chain_nr = chain_nr });
	}
}

/* How far it is from an instruction of a fold to the next rule that can match. */
static uint32_t fold_step(const struct eval *ev, const struct rs_insn *i)
{
	const struct rs_fold *f = &ev->rs->fold[i->a];
	uint32_t nr = ruleset_fold_next(ev->rs, f, i->b, ev->in);

	return nr < f->rules_len ? f->at[nr] - f->at[i->b] + 1 : i->next;
}

/* The next instruction after one that matched or not. */
static inline const struct rs_insn *pass_or_skip(const struct eval *ev, const struct rs_insn *i,
                                                 bool hit, struct rule_trace *t)
{
	if (t != NULL && hit) {
		note_passed(ev, i, t);
	}
	return i + (hit ? 1 : i->next);
}

/*
 * Runs instructions from i on to a verdict, or to the end, where the chain's policy stays. t: NULL,
 * for which the compiler makes a copy without it, or where to add the steps.
 */
static inline __attribute__((always_inline)) void
run_rules(struct eval *ev, const struct rs_insn *i, struct rule_trace *t)
{
	const struct rs_insn *code = ev->rs->code;
	uint32_t stack[RS_JUMPS_MAX];
	uint32_t chain_nr[RS_JUMPS_MAX + 1];    /* traces only: of each nested jump */
	const struct rs_insn *next_base = NULL; /* for what this chain accepts */
	unsigned depth = 0;
	uint32_t nr;
	bool hit;

	for (;;) {
		if (i->op <= RS_LIMIT) {
			hit = field_is_there(ev->in->pkt, i) && matches(ev, i);
			i = pass_or_skip(ev, i, hit, t);
			continue;
		}
		switch (i->op) {
		case RS_JUMP:
			if (t != NULL) {
				note_rule(ev, i, STEP_JUMP, t);
				chain_nr[depth + 1] = i->b;
			}
			stack[depth++] = (uint32_t)(i + i->next - code);
			i = &code[i->a];
			break;
		case RS_GOTO:
			if (t != NULL) {
				note_rule(ev, i, STEP_GOTO, t);
				chain_nr[depth] = i->b;
			}
			i = &code[i->a];
			break;
		case RS_RETURN:
			if (t != NULL) {
				note_return(ev, i, depth, chain_nr[depth], t);
			}
			if (depth != 0) {
				i = &code[stack[--depth]];
				break;
			}
			if (next_base == NULL || ev->out->code != RULE_ACCEPT) {
				return;
			}
			i = next_base;
			break;
		case RS_VERDICT:
			if (t != NULL) {
				note_rule(ev, i, STEP_VERDICT, t);
			}
			if (next_base == NULL || i->a != RULE_ACCEPT) {
				give_verdict(i, ev->out);
				return;
			}
			i = next_base;
			break;
		case RS_BASE:
			next_base = i->with == 0 ? i + 1 : NULL;
			ev->out->code = (uint8_t)i->b;
			depth = 0;
			i = &code[i->a];
			break;
		case RS_VMAP:
			i += find(ev, i, &nr) ? 1 + nr : i->next;
			break;
		case RS_MARK_MAP:
			i = pass_or_skip(ev, i, set_mapped_mark(ev, i), t);
			break;
		case RS_CT_COUNT:
			hit = field_is_there(ev->in->pkt, i) &&
			      ruleset_count_fits(ev->rs, i, ev->in, ev->mark);
			i = pass_or_skip(ev, i, hit, t);
			break;
		case RS_SKIP:
			if (t != NULL && i->negated == 0) {
				note_rule(ev, i, STEP_CONTINUE, t);
			}
			i += i->next;
			break;
		case RS_LOAD:
			hit = field_is_there(ev->in->pkt, i) &&
			      ruleset_load(ev->rs, i, ev->in, ev->mark, &ev->loaded);
			i = pass_or_skip(ev, i, hit, t);
			break;
		case RS_FOLD:
			i += fold_step(ev, i);
			break;
		case RS_QUOTA:
			hit = quota_is_used_up(ev, &ev->rs->quota[i->a]) != i->negated;
			i = pass_or_skip(ev, i, hit, t);
			break;
		case RS_CT_ACCOUNT:
			hit = ruleset_account_fits(&ev->rs->account[i->a], ev->in);
			i = pass_or_skip(ev, i, hit != i->negated, t);
			break;
		case RS_UNTRACKED:
			i = pass_or_skip(ev, i, ev->out->is_untracked != i->negated, t);
			break;
		case RS_IF_UNTRACKED:
			i += 1 + ev->out->is_untracked;
			break;
		case RS_KEY:
			i = pass_or_skip(ev, i, key_matches(ev, i), t);
			break;
		case RS_KEY_VMAP:
			i += key_in_map(ev, i, &nr) ? 1 + nr : i->next;
			break;
		case RS_KEY_MARK_MAP:
			i = pass_or_skip(ev, i, set_mark_by_key(ev, i), t);
			break;
		case RS_KEY_CHANGE:
			hit = ruleset_key_change(ev->rs, &ev->rs->key[i->a], ev->in, ev->mark);
			i = pass_or_skip(ev, i, hit, t);
			break;
		default:
			if (t != NULL) {
				note_passed(ev, i, t);
			}
			act(ev, i++);
		}
	}
}

void ruleset_eval(const struct ruleset *rs, struct ruleset_counters *ctr, enum base_chain chain,
                  const struct rule_input *in, struct rule_result *out)
{
	enum rs_family family = family_of(in->pkt);
	const struct rs_insn *i = &rs->code[rs->entry[chain][family][in->state]];

	*out = (struct rule_result){ .code = rs->policy[chain][family], .rule_nr = UINT32_MAX };
	/* The state is compiled in, so for most packets the first instruction is the verdict. */
	if (i->op == RS_VERDICT) {
		give_verdict(i, out);
		return;
	}
	run_rules(&(struct eval){ rs, ctr, in, out, in->pkt->frame->mark, 0 }, i, NULL);
}

__attribute__((noinline, cold)) void
ruleset_eval_traced(const struct ruleset *rs, struct ruleset_counters *ctr, enum base_chain chain,
                    const struct rule_input *in, struct rule_result *out, struct rule_trace *t)
{
	static const uint8_t numbers[RS_FAMILIES_LEN] = { 0, 4, 6 };
	enum rs_family family = family_of(in->pkt);
	struct eval ev = { rs, ctr, in, out, in->pkt->frame->mark, 0 };
	struct rule_step step = {
		.kind = STEP_CHAIN,
		.chain = (uint8_t)chain,
		.family = numbers[family],
		.state = (uint8_t)in->state,
		.code = rs->policy[chain][family],
	};

	rule_trace_add(t, &step);
	*out = (struct rule_result){ .code = rs->policy[chain][family], .rule_nr = UINT32_MAX };
	run_rules(&ev, &rs->code[rs->entry[chain][family][in->state]], t);
	if (out->rule_nr == UINT32_MAX) {
		step.kind = STEP_POLICY;
		rule_trace_add(t, &step);
	}
}

void rule_trace_add(struct rule_trace *t, const struct rule_step *step)
{
	if (t->len == RULE_STEPS_MAX) {
		t->left_out++;
		t->len--;
	}
	t->step[t->len++] = *step;
}

bool ruleset_is_fixed(const struct ruleset *rs, enum base_chain chain, uint8_t family,
                      enum ct_state state, struct rule_result *out)
{
	enum rs_family f = family == 4 ? RS_FAMILY_IP : RS_FAMILY_IP6;
	const struct rs_insn *i = &rs->code[rs->entry[chain][f][state]];

	*out = (struct rule_result){ .code = rs->policy[chain][f], .rule_nr = UINT32_MAX };
	if (i->op == RS_VERDICT) {
		give_verdict(i, out);
	}
	return i->op == RS_VERDICT || i->op == RS_RETURN;
}

/* More instructions cost more than they are worth. */
#define CONSTANT_INSNS_MAX 64

/*
 * RS_KEY and RS_KEY_VMAP. Returns how far to go on, 0 when other packets may go on elsewhere: an
 * element with a state has a timeout, or counts.
 */
static uint32_t key_step(const struct eval *ev, const struct rs_insn *i)
{
	const struct rs_key *k = &ev->rs->key[i->a];
	bool is_there;
	uint32_t nr = 0;
	bool hit = ruleset_key_find(ev->rs, k, ev->in, ev->mark, &is_there, &nr);

	if (hit && rs_keyed_of(ev->rs->keyed[k->keyed])->table.state_at != 0) {
		return 0;
	}
	if (i->op == RS_KEY) {
		return is_there && hit != i->negated ? 1 : i->next;
	}
	nr = hit ? nr : k->other_nr;
	return is_there && nr != RS_MAP_MISS ? 1 + nr : i->next;
}

/* ruleset_is_constant(). Returns the instruction at which it gives up, NULL = it is true. */
static inline const struct rs_insn *run_constant(const struct ruleset *rs, enum base_chain chain,
                                                 const struct rule_input *in,
                                                 struct rule_result *out, bool *reads_iif)
{
	enum rs_family family = family_of(in->pkt);
	const struct rs_insn *i = &rs->code[rs->entry[chain][family][in->state]];
	const struct eval ev = { rs, NULL, in, out, in->pkt->frame->mark, 0 };
	const struct rs_insn *next_base = NULL; /* for what this chain accepts */
	uint32_t stack[RS_JUMPS_MAX];
	unsigned depth = 0;
	uint32_t step;
	uint32_t nr;

	*out = (struct rule_result){ .code = rs->policy[chain][family], .rule_nr = UINT32_MAX };
	*reads_iif = false;
	for (unsigned n = 0; n < CONSTANT_INSNS_MAX; n++) {
		if (!ruleset_insn_is_constant(rs, i)) {
			return i;
		}
		if (i->op < RS_LIMIT) {
			*reads_iif |= (i->op & 0xf) == RS_F_IIF;
			i += field_is_there(in->pkt, i) && matches(&ev, i) ? 1 : i->next;
			continue;
		}
		switch (i->op) {
		case RS_JUMP:
			stack[depth++] = (uint32_t)(i + i->next - rs->code);
			i = &rs->code[i->a];
			break;
		case RS_GOTO:
			i = &rs->code[i->a];
			break;
		case RS_RETURN:
			if (depth != 0) {
				i = &rs->code[stack[--depth]];
				break;
			}
			if (next_base == NULL || out->code != RULE_ACCEPT) {
				return NULL;
			}
			i = next_base;
			break;
		case RS_BASE:
			next_base = i->with == 0 ? i + 1 : NULL;
			out->code = (uint8_t)i->b;
			depth = 0;
			i = &rs->code[i->a];
			break;
		case RS_VMAP:
			*reads_iif |= i->with == RS_F_IIF;
			i += find(&ev, i, &nr) ? 1 + nr : i->next;
			break;
		case RS_KEY:
		case RS_KEY_VMAP:
			*reads_iif |= ruleset_key_reads(&rs->key[i->a], RS_F_IIF);
			step = key_step(&ev, i);
			if (step == 0) {
				return i;
			}
			i += step;
			break;
		case RS_FOLD:
			*reads_iif |= ruleset_fold_reads(&rs->fold[i->a], RS_F_IIF);
			i += fold_step(&ev, i);
			break;
		case RS_SKIP:
			i += i->next;
			break;
		default:
			if (next_base == NULL || i->a != RULE_ACCEPT) {
				give_verdict(i, out);
				return NULL;
			}
			i = next_base;
		}
	}
	return i;
}

bool ruleset_is_constant(const struct ruleset *rs, enum base_chain chain,
                         const struct rule_input *in, struct rule_result *out, bool *reads_iif)
{
	return run_constant(rs, chain, in, out, reads_iif) == NULL;
}

const char *ruleset_obstacle(const struct ruleset *rs, enum base_chain chain,
                             const struct rule_input *in, uint32_t *rule_nr)
{
	struct rule_result result;
	bool reads_iif;
	const struct rs_insn *i = run_constant(rs, chain, in, &result, &reads_iif);

	*rule_nr = i != NULL ? rs->rule_of[i - rs->code] : UINT32_MAX;
	return i != NULL ? ruleset_obstacle_name(rs, i) : NULL;
}

bool ruleset_has_chain(const struct ruleset *rs, enum base_chain chain)
{
	return rs->has_chain[chain] != 0;
}

/* The codes of late and idle chains are apart, so that their chains need no search from the entry.
 */
bool ruleset_can_give(const struct ruleset *rs, enum base_chain chain, uint8_t code)
{
	if (!ruleset_has_chain(rs, chain)) {
		return false;
	}
	for (unsigned f = 0; f < RS_FAMILIES_LEN; f++) {
		if (rs->policy[chain][f] == code) {
			return true;
		}
	}
	for (uint32_t i = 0; i < rs->code_len; i++) {
		if (rs->code[i].op == RS_VERDICT && rs->code[i].a == code) {
			return true;
		}
	}
	return false;
}

void ruleset_hooks(const struct ruleset *rs, bool hooked[HOOKS_LEN])
{
	const bool is_local = ruleset_has_chain(rs, CHAIN_INPUT) ||
	                      ruleset_has_chain(rs, CHAIN_OUTPUT) ||
	                      ruleset_has_chain(rs, CHAIN_RAW_OUTPUT);

	hooked[HOOK_INPUT] = is_local;
	hooked[HOOK_OUTPUT] = is_local;
	hooked[HOOK_FORWARD] = ruleset_has_chain(rs, CHAIN_FORWARD);
}

bool ruleset_counts_connections(const struct ruleset *rs)
{
	return rs->counts_len != 0;
}

const char *ruleset_log_prefix(const struct ruleset *rs, unsigned log_nr)
{
	return rs->log[log_nr].prefix;
}

unsigned ruleset_log_level(const struct ruleset *rs, unsigned log_nr)
{
	return rs->log[log_nr].level;
}

uint32_t ruleset_log_group(const struct ruleset *rs, unsigned log_nr)
{
	return rs->log[log_nr].group;
}

uint32_t ruleset_log_rule(const struct ruleset *rs, unsigned log_nr)
{
	return rs->log[log_nr].rule_nr;
}

static void give_verdict(const struct rs_insn *i, struct rule_result *out)
{
	out->code = (uint8_t)i->a;
	out->reject_with = i->with;
	out->rule_nr = i->b;
}

/* Looks the field up in the instruction's map. Returns false without the field or the key. */
static bool find(const struct eval *ev, const struct rs_insn *i, uint32_t *nr)
{
	if (!field_is_there(ev->in->pkt, i)) {
		return false;
	}
	*nr = ruleset_map_find(ev->rs, &ev->rs->map[i->a], (enum rs_field)i->with, ev->in, ev->mark,
	                       ev->loaded);
	return *nr != RS_MAP_MISS;
}

static void set_mark(struct eval *ev, const struct rs_insn *i, uint32_t mark)
{
	const struct rs_mark_change to_ct = { .flip = mark, .to_ct = 1 };

	if (i->negated) {
		(void)ruleset_change_mark(&to_ct, ev->in, &ev->mark);
		return;
	}
	ev->mark = mark;
	ev->out->mark = mark;
	ev->out->mark_is_set = 1;
}

static bool set_mapped_mark(struct eval *ev, const struct rs_insn *i)
{
	uint32_t nr;

	if (!find(ev, i, &nr)) {
		return false;
	}
	set_mark(ev, i, ev->rs->map[i->a].data[nr]);
	return true;
}

/* Looks a key up in a set. */
static bool key_matches(const struct eval *ev, const struct rs_insn *i)
{
	bool is_there;
	bool hit = ruleset_key_find(ev->rs, &ev->rs->key[i->a], ev->in, ev->mark, &is_there, NULL);

	return is_there && hit != i->negated;
}

/* Looks a key up in a map. */
static bool key_in_map(const struct eval *ev, const struct rs_insn *i, uint32_t *nr)
{
	const struct rs_key *k = &ev->rs->key[i->a];
	bool is_there;

	if (!ruleset_key_find(ev->rs, k, ev->in, ev->mark, &is_there, nr)) {
		*nr = k->other_nr;
	}
	return is_there && *nr != RS_MAP_MISS;
}

static bool set_mark_by_key(struct eval *ev, const struct rs_insn *i)
{
	const struct rs_key *k = &ev->rs->key[i->a];
	bool is_there;
	uint32_t mark;

	if (!ruleset_key_find(ev->rs, k, ev->in, ev->mark, &is_there, &mark)) {
		if (!is_there || k->other_nr == RS_MAP_MISS) {
			return false;
		}
		mark = k->data[k->other_nr];
	}
	set_mark(ev, i, mark);
	return true;
}

static enum rs_family family_of(const struct pkt *p)
{
	if (p->depth < PKT_IP) {
		return RS_FAMILY_NONE;
	}
	return p->tuple.family == 4 ? RS_FAMILY_IP : RS_FAMILY_IP6;
}

static bool field_is_there(const struct pkt *p, const struct rs_insn *i)
{
	return p->reach >= i->reach && (i->proto == 0 || i->proto == p->l4_proto);
}

static bool bitmap_has(const struct ruleset *rs, uint32_t at, uint32_t v)
{
	return (rs->bitmap[at + v / 64] >> (v % 64) & 1) != 0;
}

static bool set32_has(const struct rs_set32 *s, uint32_t v)
{
	return rs_interval32(s->lo, s->hi, s->len, v) != RS_MAP_MISS;
}

static bool set128_has(const struct rs_set128 *s, struct u128 v)
{
	if (s->len == 0) {
		return (v.hi & s->lo->hi) == s->hi->hi && (v.lo & s->lo->lo) == s->hi->lo;
	}
	return rs_interval128(s->lo, s->hi, s->len, v) != RS_MAP_MISS;
}

/*
 * As in nft, a packet without this interface, such as the output interface in the input hook, has
 * an empty interface name. A packet of an interface that is gone matches neither way.
 */
static bool iface_has(const struct eval *ev, const struct rs_insn *i, uint32_t ifindex)
{
	uint64_t mask = (uint64_t)i->b << 32 | i->a;
	uint64_t patterns;

	if (ifindex == 0) {
		return i->negated;
	}
	patterns = ruleset_patterns_of(ev->rs, ev->in, ifindex);
	return patterns != 0 && ((patterns & mask) != 0) != i->negated;
}

/* Statements without a verdict. */
static void act(struct eval *ev, const struct rs_insn *i)
{
	const struct rule_input *in = ev->in;

	switch ((enum rs_op)i->op) {
	case RS_COUNT:
		if (ev->ctr != NULL && !rule_is_dry(in)) {
			stat_add(&ev->ctr->rule[i->a].packets, 1);
			stat_add(&ev->ctr->rule[i->a].bytes, in->pkt->frame->true_size);
		}
		break;
	case RS_LOG:
		if (in->log != NULL && !rule_is_dry(in)) {
			in->log(in->log_ctx, ev->rs, i->a, in->pkt, in->state);
		}
		break;
	case RS_MARK:
		set_mark(ev, i, (ev->mark & i->b) ^ i->a);
		break;
	case RS_MARK_LOADED:
		set_mark(ev, i, ev->loaded);
		break;
	case RS_MARKS:
		if (ruleset_change_mark(&ev->rs->mark_change[i->a], in, &ev->mark)) {
			ev->out->mark = ev->mark;
			ev->out->mark_is_set = 1;
		}
		break;
	case RS_TIMEOUTS:
		ruleset_give_timeouts(&ev->rs->timeouts[i->a], in);
		break;
	case RS_TRACKING:
		if (in->ct != NULL) {
			in->ct->tracking |= (uint8_t)i->a;
		}
		break;
	case RS_NOTRACK:
		ev->out->is_untracked = 1;
		break;
	default:
		break;
	}
}
