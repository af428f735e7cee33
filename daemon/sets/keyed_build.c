/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See keyed_build.h.
 *
 * Layers are found field by field. The different intervals of a field are sorted by their lower
 * ends; each goes to the first layer whose last interval ends before it. That needs as many layers
 * as there are intervals around one value, which is the least possible.
 */
#include "keyed_build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE_SIZE 64
#define HUGE_PAGE_SIZE  ((size_t)2 << 20)

static struct sipkey hash_key;
static void (*yield_processor)(void);

void keyed_setup(const struct sipkey *key, void (*yield)(void))
{
	hash_key = *key;
	yield_processor = yield;
}

const struct sipkey *keyed_hash_key(void)
{
	return &hash_key;
}

/* A new interval of a field, and where it is found. */
struct placed {
	struct interval interval;
	uint8_t layer; /* + 1 */
	uint32_t nr;   /* in the layer */
};

struct field_plan {
	struct placed *at;
	size_t len;
	uint8_t layers_len;
};

/* A set that is being built. */
struct plan {
	const struct keyed_shape *shape;
	const struct keyed_list *list;
	struct field_plan field[RS_KEY_FIELDS_MAX];
	struct rs_tuple *tuple;
	uint32_t tuples_len;
	uint32_t tuples_cap;
};

static int compare_intervals(const struct interval *a, const struct interval *b)
{
	int by_lo = u128_cmp(a->lo, b->lo);

	return by_lo != 0 ? by_lo : u128_cmp(a->hi, b->hi);
}

static int compare_placed(const void *a, const void *b)
{
	return compare_intervals(&((const struct placed *)a)->interval,
	                         &((const struct placed *)b)->interval);
}

static bool is_single(const struct interval *i)
{
	return u128_cmp(i->lo, i->hi) == 0;
}

/* Gathers the different intervals of a field, sorted. Returns false when memory runs out. */
static bool gather(struct plan *p, uint32_t field)
{
	struct field_plan *f = &p->field[field];
	size_t len = 0;
	size_t kept = 0;

	for (size_t i = 0; i < p->list->len; i++) {
		len += !is_single(&p->list->box[i * p->shape->fields_len + field]);
	}
	if (len == 0) {
		return true;
	}
	f->at = calloc(len, sizeof(*f->at));
	if (f->at == NULL) {
		return false;
	}
	for (size_t i = 0; i < p->list->len; i++) {
		const struct interval *one = &p->list->box[i * p->shape->fields_len + field];

		if (!is_single(one)) {
			f->at[f->len++].interval = *one;
		}
	}
	qsort(f->at, f->len, sizeof(*f->at), compare_placed);
	for (size_t i = 0; i < f->len; i++) {
		if (kept == 0 || compare_placed(&f->at[kept - 1], &f->at[i]) != 0) {
			f->at[kept++] = f->at[i];
		}
	}
	f->len = kept;
	return true;
}

/* Gives each interval its layer. Returns false when there are too many. */
static bool place(struct field_plan *f, uint32_t layers_max)
{
	struct {
		struct u128 hi;
		uint32_t len;
	} layer[RS_LAYERS_MAX];

	for (size_t i = 0; i < f->len; i++) {
		struct placed *one = &f->at[i];
		uint32_t nr = 0;

		while (nr < f->layers_len && u128_cmp(layer[nr].hi, one->interval.lo) >= 0) {
			nr++;
		}
		if (nr == layers_max) {
			return false;
		}
		if (nr == f->layers_len) {
			f->layers_len++;
			layer[nr].len = 0;
		}
		layer[nr].hi = one->interval.hi;
		one->layer = (uint8_t)(nr + 1);
		one->nr = layer[nr].len++;
	}
	return true;
}

static const struct placed *find_placed(const struct field_plan *f, const struct interval *i)
{
	const struct placed key = { .interval = *i };

	return f->len == 0 ? NULL : bsearch(&key, f->at, f->len, sizeof(key), compare_placed);
}

static struct rs_tuple tuple_of(const struct plan *p, const struct interval *box)
{
	struct rs_tuple t = { { 0 } };

	for (uint32_t f = 0; f < p->shape->fields_len; f++) {
		if (!is_single(&box[f])) {
			t.layer[f] = find_placed(&p->field[f], &box[f])->layer;
		}
	}
	return t;
}

static uint32_t tuple_nr(const struct rs_tuple *tuples, uint32_t len, const struct rs_tuple *t)
{
	uint32_t nr = 0;

	while (nr < len && memcmp(&tuples[nr], t, sizeof(*t)) != 0) {
		nr++;
	}
	return nr;
}

/* Notes the tuples that occur. Returns false when memory runs out. */
static bool find_tuples(struct plan *p)
{
	for (size_t i = 0; i < p->list->len; i++) {
		struct rs_tuple t = tuple_of(p, &p->list->box[i * p->shape->fields_len]);

		if (tuple_nr(p->tuple, p->tuples_len, &t) < p->tuples_len) {
			continue;
		}
		if (p->tuples_len == p->tuples_cap) {
			uint32_t cap = p->tuples_cap * 2 + 4;
			struct rs_tuple *more = realloc(p->tuple, cap * sizeof(*more));

			if (more == NULL) {
				return false;
			}
			p->tuple = more;
			p->tuples_cap = cap;
		}
		p->tuple[p->tuples_len++] = t;
	}
	return true;
}

/* memory */

static uint32_t power_of_2(uint32_t least)
{
	uint32_t n = 64;

	while (n < least && n < UINT32_C(1) << 31) {
		n *= 2;
	}
	return n;
}

/*
 * Zeroed memory that becomes resident as it is used, on huge pages if it is large: look-ups in
 * random order otherwise miss the TLB twice. Returns NULL when memory runs out.
 */
static void *array_new(size_t size)
{
	void *mem;

	if (size < HUGE_PAGE_SIZE) {
		mem = aligned_alloc(CACHE_LINE_SIZE,
		                    (size + CACHE_LINE_SIZE) & ~(size_t)(CACHE_LINE_SIZE - 1));
		return mem != NULL ? memset(mem, 0, size) : NULL;
	}
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	           -1, 0);
	if (mem == MAP_FAILED) {
		return NULL;
	}
	(void)madvise(mem, size, MADV_HUGEPAGE);
	return mem;
}

static void array_free(void *mem, size_t size)
{
	if (mem != NULL && size >= HUGE_PAGE_SIZE) {
		(void)munmap(mem, size);
	} else {
		free(mem);
	}
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

/* Small elements do not cross the lines of the cache. */
static uint32_t stride_of(uint32_t size)
{
	return size <= 16 ? 16 : size <= 32 ? 32 : size <= 64 ? 64 : round_up(size, 8);
}

static bool table_init(struct rs_table *t, const struct keyed_shape *shape, uint32_t words,
                       uint32_t cap)
{
	uint32_t heads = power_of_2(cap);
	uint32_t stripes = heads < RS_STRIPES_MAX ? heads : RS_STRIPES_MAX;
	struct rs_kit *kit = calloc(shape->kits_len + 1, sizeof(*kit));

	t->hash_key = hash_key;
	t->yield = yield_processor;
	t->words = words;
	t->state_at = shape->has_state ? round_up(sizeof(struct rs_elem), 8) : 0;
	t->key_at = shape->has_state ? t->state_at + (uint32_t)sizeof(struct rs_elem_state)
	                             : (uint32_t)sizeof(struct rs_elem);
	t->stride = stride_of(t->key_at + 4 * words);
	t->cap = cap;
	t->heads_mask = heads - 1;
	t->head_words = shape->has_state || words > RS_HEAD_KEY_WORDS ? 1 : 1 + RS_HEAD_KEY_WORDS;
	t->stripes_mask = stripes - 1;
	t->head = array_new((size_t)heads * t->head_words * sizeof(*t->head));
	t->stripe = calloc(stripes, sizeof(*t->stripe));
	t->slot = array_new((size_t)cap * t->stride);
	t->kit = kit;
	t->kits_len = shape->kits_len + (shape->kits_len == 0);
	if (kit != NULL && shape->kits_len != 0) {
		memcpy(kit, shape->kit, shape->kits_len * sizeof(*kit));
	}
	return t->head != NULL && t->stripe != NULL && t->slot != NULL && kit != NULL;
}

/* Fills up a cache line. */
static size_t lines_of(size_t len)
{
	return (len + RS_STEP_LEN - 1) / RS_STEP_LEN * RS_STEP_LEN;
}

/* The words of 32 bits that a layer of so many intervals needs. */
static size_t layer_words(bool is_wide, size_t len)
{
	size_t words =
		is_wide ? 2 * len * sizeof(struct u128) / sizeof(uint32_t) : 2 * lines_of(len);

	for (size_t n = len; !is_wide && n > RS_STEP_LEN;) {
		n = (n + RS_STEP_LEN - 1) / RS_STEP_LEN;
		words += lines_of(n);
	}
	return lines_of(words);
}

/* Makes the steps of a layer at mem from its lower ends. */
static void steps_init(struct rs_layer *l, uint32_t *mem)
{
	const uint32_t *from = l->lo32;

	for (size_t len = l->len; len > RS_STEP_LEN;) {
		size_t steps = (len + RS_STEP_LEN - 1) / RS_STEP_LEN;

		for (size_t i = 0; i < lines_of(steps); i++) {
			mem[i] = i < steps ? from[i * RS_STEP_LEN] : UINT32_MAX;
		}
		l->step[l->steps_len++] = from = mem;
		mem += lines_of(steps);
		len = steps;
	}
}

/* Writes the intervals of a field's layer n to mem, and the steps behind them. */
static void layer_init(struct rs_layer *l, const struct field_plan *from, unsigned n, bool is_wide,
                       uint32_t *mem)
{
	struct u128 *wide = (struct u128 *)(void *)mem;
	size_t lines = lines_of(l->len);

	for (size_t i = 0; !is_wide && i < lines; i++) {
		mem[i] = UINT32_MAX;
	}
	for (size_t i = 0; i < from->len; i++) {
		const struct placed *one = &from->at[i];

		if (one->layer != n) {
			continue;
		}
		if (is_wide) {
			wide[one->nr] = one->interval.lo;
			wide[l->len + one->nr] = one->interval.hi;
		} else {
			mem[one->nr] = (uint32_t)one->interval.lo.lo;
			mem[lines + one->nr] = (uint32_t)one->interval.hi.lo;
		}
	}
	if (is_wide) {
		l->lo128 = wide;
		l->hi128 = wide + l->len;
	} else {
		l->lo32 = mem;
		l->hi32 = mem + lines;
		steps_init(l, mem + 2 * lines);
	}
}

/* Counts the intervals of each layer, and the words of all. */
static size_t count_layers(struct rs_keyed *k, const struct plan *p, struct rs_layer *layer)
{
	size_t words = 0;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		for (size_t i = 0; i < p->field[f].len; i++) {
			if (p->field[f].at[i].layer != 0) {
				layer[k->layers_from[f] + p->field[f].at[i].layer - 1].len++;
			}
		}
		for (uint32_t n = 0; n < k->layers_len[f]; n++) {
			words += layer_words(k->is_wide[f], layer[k->layers_from[f] + n].len);
		}
	}
	return words;
}

static bool layers_init(struct rs_keyed *k, const struct plan *p)
{
	struct rs_layer *layer;
	uint32_t *mem;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		k->layers_from[f] = (uint8_t)k->layers_all;
		k->layers_len[f] = p->field[f].layers_len;
		k->layers_all += p->field[f].layers_len;
	}
	layer = calloc(k->layers_all + 1, sizeof(*layer));
	if (layer == NULL) {
		return false;
	}
	k->layer = layer;
	k->ends_size = count_layers(k, p, layer) * sizeof(*mem);
	mem = k->ends_size != 0 ? array_new(k->ends_size) : NULL;
	k->ends = mem;
	if (mem == NULL) {
		return k->ends_size == 0;
	}
	for (uint32_t f = 0; f < k->fields_len; f++) {
		for (uint32_t n = 0; n < k->layers_len[f]; n++) {
			struct rs_layer *l = &layer[k->layers_from[f] + n];

			layer_init(l, &p->field[f], n + 1, k->is_wide[f], mem);
			mem += layer_words(k->is_wide[f], l->len);
		}
	}
	return true;
}

void keyed_free(struct rs_keyed *k)
{
	if (k == NULL) {
		return;
	}
	free((void *)(uintptr_t)k->layer);
	array_free(k->ends, k->ends_size);
	free((void *)(uintptr_t)k->tuple);
	free((void *)(uintptr_t)k->table.kit);
	array_free(k->table.head, ((size_t)k->table.heads_mask + 1) * k->table.head_words *
	                                  sizeof(*k->table.head));
	free(k->table.stripe);
	array_free(k->table.slot, (size_t)k->table.cap * k->table.stride);
	free(k);
}

bool keyed_key(const struct rs_keyed *k, const struct interval *box, uint32_t *key)
{
	struct rs_tuple t = { { 0 } };
	struct u128 value[RS_KEY_FIELDS_MAX];
	uint32_t numbers[RS_LAYERS_MAX];
	uint32_t nr = 0;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		value[f] = box[f].lo;
	}
	rs_keyed_numbers(k, value, numbers);
	for (uint32_t f = 0; f < k->fields_len; f++) {
		for (uint32_t n = 0; n < k->layers_len[f] && !is_single(&box[f]); n++) {
			const struct rs_layer *l = &k->layer[k->layers_from[f] + n];
			uint32_t at = numbers[k->layers_from[f] + n];
			struct interval own;

			if (at == UINT32_MAX) {
				continue;
			}
			if (k->is_wide[f]) {
				own = (struct interval){ l->lo128[at], l->hi128[at] };
			} else {
				own = (struct interval){ { 0, l->lo32[at] }, { 0, l->hi32[at] } };
			}
			if (interval_is_equal(&own, &box[f])) {
				t.layer[f] = (uint8_t)(n + 1);
			}
		}
		if (t.layer[f] == 0 && !is_single(&box[f])) {
			return false;
		}
	}
	if (!k->is_exact) {
		nr = tuple_nr(k->tuple, k->tuples_len, &t);
		if (nr == k->tuples_len) {
			return false;
		}
	}
	rs_keyed_words(k, nr, value, numbers, key);
	return true;
}

static enum keyed_problem make_plan(struct plan *p)
{
	uint32_t layers_left = RS_LAYERS_MAX;

	for (uint32_t f = 0; f < p->shape->fields_len; f++) {
		if (!gather(p, f)) {
			return KEYED_NO_MEMORY;
		}
		if (!place(&p->field[f], layers_left)) {
			return KEYED_TOO_DEEP;
		}
		layers_left -= p->field[f].layers_len;
	}
	return find_tuples(p) ? KEYED_OK : KEYED_NO_MEMORY;
}

static uint32_t words_of(const struct keyed_shape *shape, bool is_exact)
{
	uint32_t words = !is_exact;

	for (uint32_t f = 0; f < shape->fields_len; f++) {
		words += shape->is_wide[f] ? 4 : 1;
	}
	return words;
}

static enum keyed_problem put_all(struct rs_keyed *k, const struct keyed_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		uint32_t key[RS_KEY_WORDS_MAX];

		(void)keyed_key(k, &l->box[i * k->fields_len], key);
		if (rs_table_put(&k->table, key, &l->item[i], (struct mono){ 0 }) == RS_PUT_FULL) {
			return KEYED_FULL;
		}
	}
	return KEYED_OK;
}

struct rs_keyed *keyed_build(const struct keyed_shape *shape, const struct keyed_list *l,
                             uint32_t cap, enum keyed_problem *problem)
{
	struct plan p = { .shape = shape, .list = l };
	struct rs_keyed *k = aligned_alloc(64, (sizeof(*k) + 63) & ~(size_t)63);

	*problem = KEYED_NO_MEMORY;
	if (k == NULL) {
		return NULL;
	}
	memset(k, 0, sizeof(*k));
	*problem = make_plan(&p);
	if (*problem == KEYED_OK) {
		bool is_exact = p.field[0].len == 0;

		for (uint32_t f = 1; f < shape->fields_len; f++) {
			is_exact = is_exact && p.field[f].len == 0;
		}
		k->fields_len = shape->fields_len;
		memcpy(k->is_wide, shape->is_wide, sizeof(k->is_wide));
		k->is_exact = is_exact;
		k->takes_first = shape->is_map && !is_exact && shape->fields_len > 1;
		k->tuples_len = p.tuples_len;
		k->tuple = p.tuple;
		p.tuple = NULL;
		*problem = KEYED_NO_MEMORY;
		if (layers_init(k, &p) &&
		    table_init(&k->table, shape, words_of(shape, is_exact), cap)) {
			*problem = put_all(k, l);
		}
	}
	for (uint32_t f = 0; f < shape->fields_len; f++) {
		free(p.field[f].at);
	}
	free(p.tuple);
	if (*problem != KEYED_OK) {
		keyed_free(k);
		return NULL;
	}
	return k;
}
