/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets and maps of keyed elements: see finwall/ruleset_elem.h.
 *
 * A reader walks a chain while others may change it. It ends where a slot number is no longer
 * valid, and repeats when the sequence of the chain's lock has changed. Slots are read and written
 * as atomic words, as they may be in use for another key by then.
 */
#include <finwall/ruleset_elem.h>

#include "gcra.h"
#include "ruleset_code.h"

#define SPINS_BEFORE_YIELD 1000

/* Chains that an addition looks at for expired elements; more when the table is full. */
#define SWEEP_BY_ADDING 2
#define SWEEP_WHEN_FULL 256

#define SLOT_MASK UINT32_MAX

/* locks */

static uint32_t hash_of(const struct rs_table *t, const uint32_t *key)
{
	uint64_t words[RS_KEY_WORDS_MAX / 2];
	uint32_t len = (t->words + 1) / 2;

	for (uint32_t i = 0; i < len; i++) {
		uint32_t upper = 2 * i + 1 < t->words ? key[2 * i + 1] : 0;

		words[i] = (uint64_t)upper << 32 | key[2 * i];
	}
	/* one word is an address with a port: the usual case, which is unrolled */
	return (uint32_t)(len == 1 ? siphash13(&t->hash_key, words, 1)
	                           : siphash13(&t->hash_key, words, len));
}

static _Atomic uint32_t *stripe_of(const struct rs_table *t, uint32_t chain)
{
	return &t->stripe[chain & t->stripes_mask];
}

static void wait_a_little(const struct rs_table *t, unsigned *spins)
{
	if (++*spins % SPINS_BEFORE_YIELD == 0 && t->yield != NULL) {
		t->yield();
	}
}

static void lock(const struct rs_table *t, _Atomic uint32_t *stripe)
{
	unsigned spins = 0;

	for (;;) {
		uint32_t seq = atomic_load_explicit(stripe, memory_order_relaxed);

		if ((seq & 1) == 0 && atomic_compare_exchange_weak_explicit(stripe, &seq, seq + 1,
		                                                            memory_order_acquire,
		                                                            memory_order_relaxed)) {
			atomic_thread_fence(memory_order_release);
			return;
		}
		wait_a_little(t, &spins);
	}
}

static void unlock(_Atomic uint32_t *stripe)
{
	atomic_fetch_add_explicit(stripe, 1, memory_order_release);
}

static uint32_t load32(const _Atomic uint32_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void store32(_Atomic uint32_t *at, uint32_t v)
{
	atomic_store_explicit(at, v, memory_order_relaxed);
}

static uint64_t load64(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void store64(_Atomic uint64_t *at, uint64_t v)
{
	atomic_store_explicit(at, v, memory_order_relaxed);
}

/* chains */

static uint32_t next_of(const struct rs_elem *e)
{
	return load32(&e->next) & ~RS_ELEM_USED;
}

static uint32_t kit_of(const struct rs_table *t, struct rs_elem *e)
{
	return t->state_at != 0 ? load32(&rs_elem_state(t, e)->kit) : 0;
}

static bool has_key(const struct rs_table *t, struct rs_elem *e, const uint32_t *key)
{
	const uint32_t *own = rs_elem_key(t, e);
	uint32_t differs = 0;

	for (uint32_t i = 0; i < t->words; i++) {
		differs |= __atomic_load_n(&own[i], __ATOMIC_RELAXED) ^ key[i];
	}
	return differs == 0;
}

static bool is_expired(const struct rs_table *t, struct rs_elem *e, uint64_t now)
{
	return t->state_at != 0 && load64(&rs_elem_state(t, e)->deadline_ns) <= now;
}

static _Atomic uint32_t *head_of(const struct rs_table *t, uint32_t chain)
{
	return &t->head[(size_t)chain * t->head_words];
}

/* Whether the copy of the first key is this one. */
static bool head_has_key(const struct rs_table *t, const _Atomic uint32_t *head,
                         const uint32_t *key)
{
	uint32_t differs = 0;

	for (uint32_t i = 0; i < t->words; i++) {
		differs |= load32(&head[1 + i]) ^ key[i];
	}
	return differs == 0;
}

/* Copies the key of the first element, after a change of a chain that is locked. */
static void copy_first_key(const struct rs_table *t, _Atomic uint32_t *head)
{
	uint32_t slot = load32(head);

	for (uint32_t i = 0; t->head_words != 1 && slot != 0 && i < t->words; i++) {
		store32(&head[1 + i], rs_elem_key(t, rs_elem_at(t, slot - 1))[i]);
	}
}

/* Walks a chain, locked or not. Returns slot + 1, or 0. */
static uint32_t walk(const struct rs_table *t, uint32_t chain, const uint32_t *key)
{
	const _Atomic uint32_t *head = head_of(t, chain);
	uint32_t slot = load32(head);
	uint32_t steps = 0;

	if (t->head_words != 1 && slot != 0) {
		if (head_has_key(t, head, key)) {
			return slot;
		}
		slot = slot <= t->cap ? next_of(rs_elem_at(t, slot - 1)) : 0;
	}

	while (slot != 0 && slot <= t->cap && steps++ <= t->cap) {
		struct rs_elem *e = rs_elem_at(t, slot - 1);

		if (has_key(t, e, key)) {
			return slot;
		}
		slot = next_of(e);
	}
	return 0;
}

/* What a reader copies. */
struct seen {
	uint32_t slot; /* + 1; 0 = none */
	uint32_t kit;
	uint32_t nr;
	bool is_expired;
};

static struct seen search(const struct rs_table *t, const uint32_t *key, uint64_t now,
                          bool wants_nr)
{
	uint32_t chain = hash_of(t, key) & t->heads_mask;
	_Atomic uint32_t *stripe = stripe_of(t, chain);
	struct seen out;
	unsigned spins = 0;

	for (;;) {
		uint32_t seq = atomic_load_explicit(stripe, memory_order_acquire);

		out = (struct seen){ .slot = walk(t, chain, key) };
		if (out.slot != 0) {
			struct rs_elem *e = rs_elem_at(t, out.slot - 1);

			out.kit = kit_of(t, e);
			out.nr = wants_nr ? load32(&e->nr) : 0;
			out.is_expired = is_expired(t, e, now);
		}
		atomic_thread_fence(memory_order_acquire);
		if ((seq & 1) == 0 && load32(stripe) == seq) {
			return out;
		}
		wait_a_little(t, &spins);
	}
}

/* slots */

static uint32_t take_slot(struct rs_table *t)
{
	uint64_t top = atomic_load_explicit(&t->free_list, memory_order_acquire);
	uint32_t fresh;

	while ((top & SLOT_MASK) != 0) {
		uint32_t slot = (uint32_t)top;
		uint64_t next = next_of(rs_elem_at(t, slot - 1));

		/* the counter in the upper half makes each state of the list another one */
		if (atomic_compare_exchange_weak_explicit(
			    &t->free_list, &top, ((top >> 32) + 1) << 32 | next,
			    memory_order_acq_rel, memory_order_acquire)) {
			return slot;
		}
	}
	fresh = load32(&t->fresh);
	while (fresh < t->cap) {
		if (atomic_compare_exchange_weak_explicit(&t->fresh, &fresh, fresh + 1,
		                                          memory_order_relaxed,
		                                          memory_order_relaxed)) {
			return fresh + 1;
		}
	}
	return 0;
}

static void give_slot(struct rs_table *t, uint32_t slot)
{
	struct rs_elem *e = rs_elem_at(t, slot - 1);
	uint64_t top = load64(&t->free_list);

	do {
		store32(&e->next, (uint32_t)top);
	} while (!atomic_compare_exchange_weak_explicit(
		&t->free_list, &top, ((top >> 32) + 1) << 32 | slot, memory_order_acq_rel,
		memory_order_relaxed));
	atomic_fetch_sub_explicit(&t->used, 1, memory_order_relaxed);
}

/* Takes a slot out of its chain, which is locked. at: the link to it. */
static void unlink_slot(struct rs_table *t, _Atomic uint32_t *at)
{
	uint32_t link = load32(at);
	uint32_t slot = link & ~RS_ELEM_USED;

	store32(at, (link & RS_ELEM_USED) | next_of(rs_elem_at(t, slot - 1)));
	give_slot(t, slot);
}

static void count(_Atomic uint64_t *what)
{
	atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

void rs_table_sweep(struct rs_table *t, struct mono now, uint32_t chains)
{
	uint64_t now_ns = rs_table_now(t, now);
	uint32_t from = atomic_fetch_add_explicit(&t->sweep_at, chains, memory_order_relaxed);

	for (uint32_t i = 0; i < chains && t->state_at != 0; i++) {
		uint32_t chain = (from + i) & t->heads_mask;
		_Atomic uint32_t *stripe = stripe_of(t, chain);
		_Atomic uint32_t *at = head_of(t, chain);

		if (load32(at) == 0) {
			continue;
		}
		lock(t, stripe);
		while ((load32(at) & ~RS_ELEM_USED) != 0) {
			struct rs_elem *e = rs_elem_at(t, (load32(at) & ~RS_ELEM_USED) - 1);

			if (is_expired(t, e, now_ns)) {
				count(&t->expired);
				unlink_slot(t, at);
			} else {
				at = &e->next;
			}
		}
		unlock(stripe);
	}
}

/* Once per millisecond, because a full table refuses every new packet. */
static bool may_sweep_full(struct rs_table *t, struct mono now)
{
	uint64_t ms = (uint64_t)now.ns / NSEC_PER_MSEC + 1;
	uint64_t last = load64(&t->swept_ms);

	return ms != last &&
	       atomic_compare_exchange_strong_explicit(&t->swept_ms, &last, ms,
	                                               memory_order_relaxed, memory_order_relaxed);
}

/* Reserves a slot, or 0 when the table is full, although expired elements were looked for. */
static uint32_t reserve(struct rs_table *t, struct mono now)
{
	uint32_t slot = take_slot(t);

	if (slot != 0) {
		rs_table_sweep(t, now, SWEEP_BY_ADDING);
	} else if (may_sweep_full(t, now)) {
		rs_table_sweep(t, now, SWEEP_WHEN_FULL);
		slot = take_slot(t);
	}
	if (slot != 0) {
		atomic_fetch_add_explicit(&t->used, 1, memory_order_relaxed);
	}
	return slot;
}

/* Writes a new element into a slot that no chain has. */
static void fill(struct rs_table *t, struct rs_elem *e, const uint32_t *key,
                 const struct rs_item *item)
{
	uint32_t *own = rs_elem_key(t, e);

	for (uint32_t i = 0; i < t->words; i++) {
		__atomic_store_n(&own[i], key[i], __ATOMIC_RELAXED);
	}
	store32(&e->nr, item->nr);
	if (t->state_at != 0) {
		struct rs_elem_state *s = rs_elem_state(t, e);

		store64(&s->deadline_ns, item->deadline_ns);
		store64(&s->timeout_ns, item->timeout_ns);
		store64(&s->full_ns, item->full_ns);
		store64(&s->packets, item->packets);
		store64(&s->bytes, item->bytes);
		store32(&s->kit, item->kit);
	}
}

/*
 * Finds the element or adds it. Returns with the chain locked and *slot set; RS_PUT_FULL without a
 * lock.
 */
static enum rs_put find_or_add(struct rs_table *t, const uint32_t *key, const struct rs_item *item,
                               struct mono now, uint32_t *slot, _Atomic uint32_t **stripe)
{
	uint32_t chain = hash_of(t, key) & t->heads_mask;
	uint64_t now_ns = rs_table_now(t, now);
	uint32_t spare = 0;

	*stripe = stripe_of(t, chain);
	for (;;) {
		lock(t, *stripe);
		*slot = walk(t, chain, key);
		if (*slot != 0 || spare != 0) {
			break;
		}
		/* sweeping takes locks */
		unlock(*stripe);
		spare = reserve(t, now);
		if (spare == 0) {
			atomic_fetch_add_explicit(&t->full, 1, memory_order_relaxed);
			return RS_PUT_FULL;
		}
	}
	if (*slot != 0) {
		struct rs_elem *e = rs_elem_at(t, *slot - 1);

		if (spare != 0) {
			give_slot(t, spare);
		}
		if (!is_expired(t, e, now_ns)) {
			return RS_PUT_SAME;
		}
		count(&t->expired);
		fill(t, e, key, item);
	} else {
		struct rs_elem *e = rs_elem_at(t, spare - 1);

		fill(t, e, key, item);
		store32(&e->next, load32(head_of(t, chain)) | RS_ELEM_USED);
		store32(head_of(t, chain), spare);
		copy_first_key(t, head_of(t, chain));
		*slot = spare;
	}
	count(&t->added);
	return RS_PUT_NEW;
}

enum rs_put rs_table_put(struct rs_table *t, const uint32_t *key, const struct rs_item *item,
                         struct mono now)
{
	_Atomic uint32_t *stripe;
	uint32_t slot;
	enum rs_put done = find_or_add(t, key, item, now, &slot, &stripe);

	if (done != RS_PUT_FULL) {
		unlock(stripe);
	}
	return done;
}

uint32_t rs_table_slot(struct rs_table *t, const uint32_t *key, struct mono now)
{
	const struct seen seen = search(t, key, rs_table_now(t, now), false);

	return seen.is_expired ? 0 : seen.slot;
}

bool rs_table_delete(struct rs_table *t, const uint32_t *key, struct mono now)
{
	uint32_t chain = hash_of(t, key) & t->heads_mask;
	_Atomic uint32_t *stripe = stripe_of(t, chain);
	_Atomic uint32_t *at = head_of(t, chain);
	bool was_there = false;

	lock(t, stripe);
	while ((load32(at) & ~RS_ELEM_USED) != 0) {
		struct rs_elem *e = rs_elem_at(t, (load32(at) & ~RS_ELEM_USED) - 1);

		if (has_key(t, e, key)) {
			was_there = !is_expired(t, e, rs_table_now(t, now));
			count(was_there ? &t->deleted : &t->expired);
			unlink_slot(t, at);
			copy_first_key(t, head_of(t, chain));
			break;
		}
		at = &e->next;
	}
	unlock(stripe);
	return was_there;
}

bool rs_table_read(struct rs_table *t, uint32_t slot, struct mono now, uint32_t *key,
                   struct rs_item *out)
{
	struct rs_elem *e = rs_elem_at(t, slot);
	const uint32_t *own = rs_elem_key(t, e);
	_Atomic uint32_t *stripe;
	bool is_there = false;

	if ((load32(&e->next) & RS_ELEM_USED) == 0) {
		return false;
	}
	for (uint32_t i = 0; i < t->words; i++) {
		key[i] = __atomic_load_n(&own[i], __ATOMIC_RELAXED);
	}
	/* the key may be half of one and half of another: then no chain has it */
	stripe = stripe_of(t, hash_of(t, key) & t->heads_mask);
	lock(t, stripe);
	if (walk(t, hash_of(t, key) & t->heads_mask, key) == slot + 1 &&
	    !is_expired(t, e, rs_table_now(t, now))) {
		is_there = true;
		*out = (struct rs_item){ .kit = kit_of(t, e),
			                 .nr = load32(&e->nr),
			                 .deadline_ns = RS_NEVER };
		if (t->state_at != 0) {
			struct rs_elem_state *s = rs_elem_state(t, e);

			out->deadline_ns = load64(&s->deadline_ns);
			out->timeout_ns = load64(&s->timeout_ns);
			out->full_ns = load64(&s->full_ns);
			out->packets = load64(&s->packets);
			out->bytes = load64(&s->bytes);
		}
	}
	unlock(stripe);
	return is_there;
}

/* packets */

/* Runs the statements of an element. Returns false when its limit does not match. */
static bool run_kit(const struct rs_table *t, struct rs_elem *e, uint32_t kit_nr,
                    const struct rs_touch *touch)
{
	const struct rs_kit *kit = &t->kit[kit_nr];
	struct rs_elem_state *s = rs_elem_state(t, e);
	bool has_token;

	if (kit->has_counter && !touch->is_dry) {
		atomic_fetch_add_explicit(&s->packets, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&s->bytes, touch->bytes, memory_order_relaxed);
	}
	if (!kit->has_limit) {
		return true;
	}
	has_token = touch->is_again ? true
	            : touch->is_dry
	                    ? gcra_has(&s->full_ns, kit->slack_ns, touch->now)
	                    : gcra_take(&s->full_ns, kit->interval_ns, kit->slack_ns, touch->now);
	return has_token != (kit->is_over != 0);
}

void rs_keyed_words(const struct rs_keyed *k, uint32_t tuple, const struct u128 *value,
                    const uint32_t *numbers, uint32_t *key)
{
	uint32_t at = 0;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		uint32_t layer = k->is_exact ? 0 : k->tuple[tuple].layer[f];
		struct u128 v = value[f];

		if (layer != 0) {
			v = (struct u128){ 0, numbers[k->layers_from[f] + layer - 1] };
		}
		key[at++] = (uint32_t)v.lo;
		if (k->is_wide[f]) {
			key[at++] = (uint32_t)(v.lo >> 32);
			key[at++] = (uint32_t)v.hi;
			key[at++] = (uint32_t)(v.hi >> 32);
		}
	}
	if (!k->is_exact) {
		key[at] = tuple;
	}
}

/* How many values of a cache line are at most v; the compiler vectorises it. */
static uint32_t count_at_most(const uint32_t *at, uint32_t v)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < RS_STEP_LEN; i++) {
		n += at[i] <= v;
	}
	return n;
}

/* The last value of a step that is at most v, given the one of the step above. */
static uint32_t step_down(const uint32_t *at, uint32_t above, uint32_t len, uint32_t v)
{
	uint32_t n = count_at_most(&at[(size_t)above * RS_STEP_LEN], v);
	uint32_t nr = above * RS_STEP_LEN + n - (n != 0);

	return nr < len ? nr : len - 1; /* what fills up the last line is UINT32_MAX */
}

/* The number of the interval that v lies in, or RS_MAP_MISS. */
static uint32_t layer_interval32(const struct rs_layer *l, uint32_t v)
{
	uint32_t nr = 0;

	if (l->len == 0) {
		return RS_MAP_MISS;
	}
	for (uint32_t s = l->steps_len; s-- > 0;) {
		uint32_t len = ((l->len - 1) >> (4 * (s + 1))) + 1;

		nr = step_down(l->step[s], nr, len, v);
	}
	__builtin_prefetch(&l->hi32[(size_t)nr * RS_STEP_LEN]);
	nr = step_down(l->lo32, nr, l->len, v);
	return l->lo32[nr] <= v && v <= l->hi32[nr] ? nr : RS_MAP_MISS;
}

void rs_keyed_numbers(const struct rs_keyed *k, const struct u128 *value, uint32_t *numbers)
{
	for (uint32_t f = 0; f < k->fields_len; f++) {
		for (uint32_t n = 0; n < k->layers_len[f]; n++) {
			const struct rs_layer *l = &k->layer[k->layers_from[f] + n];

			numbers[k->layers_from[f] + n] =
				k->is_wide[f] ? rs_interval128(l->lo128, l->hi128, l->len, value[f])
					      : layer_interval32(l, (uint32_t)value[f].lo);
		}
	}
}

/* Whether all fields lie in an interval of the tuple's layers. */
static bool tuple_fits(const struct rs_keyed *k, uint32_t tuple, const uint32_t *numbers)
{
	for (uint32_t f = 0; f < k->fields_len; f++) {
		uint32_t layer = k->tuple[tuple].layer[f];

		if (layer != 0 && numbers[k->layers_from[f] + layer - 1] == RS_MAP_MISS) {
			return false;
		}
	}
	return true;
}

/*
 * The statements run when the chain is no longer locked. Should the element be deleted just now and
 * its slot used for another one, that one counts the packet.
 */
static bool find_in_tuple(struct rs_keyed *k, const uint32_t *key, const struct rs_touch *touch,
                          uint32_t *nr, bool *fits)
{
	const struct seen seen =
		search(&k->table, key, rs_table_now(&k->table, touch->now), nr != NULL);

	if (seen.slot == 0 || seen.is_expired) {
		return false;
	}
	if (nr != NULL) {
		*nr = seen.nr;
	}
	*fits = seen.kit == 0 ||
	        run_kit(&k->table, rs_elem_at(&k->table, seen.slot - 1), seen.kit, touch);
	return true;
}

/* The element of the lowest slot, of a map. */
static bool find_first(struct rs_keyed *k, const struct u128 *value, const uint32_t *numbers,
                       const struct rs_touch *touch, uint32_t *nr)
{
	uint64_t now = rs_table_now(&k->table, touch->now);
	uint32_t first = UINT32_MAX;

	for (uint32_t t = 0; t < k->tuples_len; t++) {
		uint32_t key[RS_KEY_WORDS_MAX];
		struct seen seen;

		if (!tuple_fits(k, t, numbers)) {
			continue;
		}
		rs_keyed_words(k, t, value, numbers, key);
		seen = search(&k->table, key, now, true);
		if (seen.slot != 0 && !seen.is_expired && seen.slot < first) {
			first = seen.slot;
			*nr = seen.nr;
		}
	}
	return first != UINT32_MAX;
}

bool rs_keyed_find(struct rs_keyed *k, const struct u128 *value, const struct rs_touch *touch,
                   uint32_t *nr)
{
	uint32_t key[RS_KEY_WORDS_MAX];
	uint32_t numbers[RS_LAYERS_MAX];
	bool fits = false;

	if (k->is_exact) {
		rs_keyed_words(k, 0, value, NULL, key);
		return find_in_tuple(k, key, touch, nr, &fits) && fits;
	}
	rs_keyed_numbers(k, value, numbers);
	if (k->takes_first && nr != NULL) {
		return find_first(k, value, numbers, touch, nr);
	}
	for (uint32_t t = 0; t < k->tuples_len; t++) {
		if (!tuple_fits(k, t, numbers)) {
			continue;
		}
		rs_keyed_words(k, t, value, numbers, key);
		if (find_in_tuple(k, key, touch, nr, &fits)) {
			return fits;
		}
	}
	return false;
}

/* The change as it would be, without it. */
static bool try_change(struct rs_keyed *k, const uint32_t *key, const struct rs_touch *touch)
{
	bool fits = true;

	if (!find_in_tuple(k, key, touch, NULL, &fits)) {
		return load32(&k->table.used) < k->table.cap;
	}
	return fits;
}

bool rs_keyed_change(struct rs_keyed *k, const struct u128 *value, const struct rs_new *what,
                     const struct rs_touch *touch)
{
	struct rs_table *t = &k->table;
	uint64_t deadline =
		what->timeout_ns != 0 ? rs_table_now(t, touch->now) + what->timeout_ns : RS_NEVER;
	const struct rs_item item = { .kit = what->kit,
		                      .deadline_ns = deadline,
		                      .timeout_ns = what->timeout_ns };
	uint32_t key[RS_KEY_WORDS_MAX];
	_Atomic uint32_t *stripe;
	struct rs_elem *e;
	enum rs_put done;
	uint32_t slot;
	bool fits;

	/* the checker refuses intervals in sets that rules change */
	if (!k->is_exact) {
		return what->what == RS_CHANGE_DELETE;
	}
	rs_keyed_words(k, 0, value, NULL, key);
	if (touch->is_dry) {
		return what->what == RS_CHANGE_DELETE || try_change(k, key, touch);
	}
	if (what->what == RS_CHANGE_DELETE) {
		(void)rs_table_delete(t, key, touch->now);
		return true;
	}
	done = find_or_add(t, key, &item, touch->now, &slot, &stripe);
	if (done == RS_PUT_FULL) {
		return false;
	}
	e = rs_elem_at(t, slot - 1);
	if (done == RS_PUT_SAME && what->what == RS_CHANGE_UPDATE && what->timeout_ns != 0) {
		store64(&rs_elem_state(t, e)->deadline_ns, deadline);
	}
	fits = kit_of(t, e) == 0 || run_kit(t, e, kit_of(t, e), touch);
	unlock(stripe);
	return fits;
}
