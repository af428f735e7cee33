/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of sets and maps whose keys are concatenations, or whose elements have a timeout,
 * counters or limits, or are added by packets. daemon/sets/keyed.c builds them, the evaluator
 * (daemon/core/ruleset_elem.c) searches and changes them.
 *
 * A key has one value for each field. An element is a box: an interval in each field. Intervals of
 * more than one value are put into layers, field by field, so that those of one layer are disjoint.
 * In a layer, a value lies in at most one interval, whose number stands for it. So each element has
 * one key of values and numbers, and one entry in a hash table. The layers that an element uses are
 * its tuple. A look-up searches the value of each field once in each of its layers, and then asks
 * the hash table once for each tuple whose layers all had an interval. Keys without intervals have
 * one tuple and no layer. The time depends on how deep intervals overlap, not on their number.
 *
 * The hash table has chains of slots. A lock covers some of the chains; it is a sequence lock, so
 * that readers do not write. Memory is fixed when the table is made. Any thread may search, add and
 * delete. Times are relative to the start of the table, so that one can be built without a clock.
 */
#ifndef FINWALL_RULESET_ELEM_H
#define FINWALL_RULESET_ELEM_H

#include <finwall/mono.h>
#include <finwall/siphash.h>
#include <finwall/u128.h>

#include <stdatomic.h>

#define RS_KEY_FIELDS_MAX 8
#define RS_KEY_WORDS_MAX  18 /* 16, the number of the tuple, and one to make it even */
#define RS_LAYERS_MAX     96 /* of all fields of a set */

#define RS_NEVER UINT64_MAX /* a deadline */

/* Statements that elements have: their parameters. The element has the state. 0 = no such
 * statement. */
struct rs_kit {
	uint64_t interval_ns; /* of the limit, per token */
	uint64_t slack_ns;
	uint8_t has_counter;
	uint8_t has_limit;
	uint8_t is_over; /* true where the rate is exceeded */
	/* the limit as text has it */
	uint8_t unit; /* 0 second, 1 minute, 2 hour, 3 day, 4 week */
	uint32_t rate;
	uint32_t burst;
};

/* The state of an element in a table with RS_TABLE_STATE. */
struct rs_elem_state {
	_Atomic uint64_t deadline_ns; /* RS_NEVER */
	_Atomic uint64_t timeout_ns;  /* that it was added with; 0 = none */
	_Atomic uint64_t full_ns;     /* of the limit: see gcra.h */
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
	_Atomic uint32_t kit;
	uint32_t unused;
};

/* An element: this head, the state if there is one, the key. */
struct rs_elem {
	_Atomic uint32_t next; /* in its chain: slot + 1, 0 = end; and RS_ELEM_USED */
	_Atomic uint32_t nr;   /* of a map: the number of verdict or value */
};

/* The slot has an element. */
#define RS_ELEM_USED 0x80000000u

/*
 * Short keys without a state are kept in the head of their chain too: then most look-ups read one
 * line of the cache that is not in it, and not two.
 */
#define RS_HEAD_KEY_WORDS 3

#define RS_STRIPES_MAX 4096

struct rs_table {
	/* fixed */
	uint32_t words; /* of a key */
	uint32_t stride;
	uint32_t state_at; /* 0 = no state */
	uint32_t key_at;
	uint32_t cap; /* slots */
	uint32_t heads_mask;
	uint32_t head_words; /* 1, or 1 + RS_HEAD_KEY_WORDS */
	uint32_t stripes_mask;
	uint32_t kits_len;
	const struct rs_kit *kit; /* [0] has nothing */
	struct sipkey hash_key;
	void (*yield)(void);    /* yields the processor in a long wait for a lock; may be NULL */
	_Atomic uint32_t *head; /* of each chain: slot + 1, and perhaps the key of that slot */
	_Atomic uint32_t *stripe;
	uint8_t *slot;
	/* set once, when packets begin */
	_Atomic uint64_t start_ns;
	/* changing */
	_Atomic uint64_t free_list __attribute__((aligned(64))); /* a counter << 32 | slot + 1 */
	_Atomic uint32_t fresh; /* slots from here on were never used */
	_Atomic uint32_t used;
	_Atomic uint32_t sweep_at; /* the next chain to look for expired elements */
	_Atomic uint64_t swept_ms; /* when the full table was swept last, + 1 */
	_Atomic uint32_t full;     /* additions refused because the set was full */
	_Atomic uint64_t added;
	_Atomic uint64_t deleted;
	_Atomic uint64_t expired;
};

/* Values of 32 bits that a search compares at once: a cache line. */
#define RS_STEP_LEN 16

/* As many as 2^32 intervals need. */
#define RS_STEPS_MAX 7

/*
 * Disjoint intervals in ascending order. Those of 32 bits have steps: step[0] is every sixteenth
 * lo32, step[1] every sixteenth of those, until there are at most sixteen. All begin with a cache
 * line and are filled up to the end of one.
 */
struct rs_layer {
	const struct u128 *lo128;
	const struct u128 *hi128;
	const uint32_t *lo32;
	const uint32_t *hi32;
	uint32_t len;
	uint32_t steps_len;
	const uint32_t *step[RS_STEPS_MAX];
};

/* For each field: 0 = its value, n = the number of its interval in the field's layer n - 1. */
struct rs_tuple {
	uint8_t layer[RS_KEY_FIELDS_MAX];
};

struct rs_keyed {
	uint32_t fields_len;
	uint32_t tuples_len;
	uint8_t is_wide[RS_KEY_FIELDS_MAX];     /* 128 bits */
	uint8_t layers_len[RS_KEY_FIELDS_MAX];  /* of each field */
	uint8_t layers_from[RS_KEY_FIELDS_MAX]; /* its first one in layer[] */
	uint32_t layers_all;
	uint32_t is_exact;    /* one tuple without layers */
	uint32_t takes_first; /* of elements that cross, the one with the lowest slot: see below */
	const struct rs_layer *layer;
	void *ends; /* the intervals of all layers */
	size_t ends_size;
	const struct rs_tuple *tuple;
	struct rs_table table;
};

/* A set as rules refer to it. One thread writes the pointer, any thread reads it. */
struct rs_keyed_set {
	_Atomic(struct rs_keyed *) keyed;
};

static inline struct rs_keyed *rs_keyed_of(const struct rs_keyed_set *s)
{
	return atomic_load_explicit(&s->keyed, memory_order_acquire);
}

static inline struct rs_elem *rs_elem_at(const struct rs_table *t, uint32_t slot)
{
	return (struct rs_elem *)(void *)(t->slot + (size_t)slot * t->stride);
}

static inline struct rs_elem_state *rs_elem_state(const struct rs_table *t, struct rs_elem *e)
{
	return (struct rs_elem_state *)(void *)((uint8_t *)e + t->state_at);
}

static inline uint32_t *rs_elem_key(const struct rs_table *t, struct rs_elem *e)
{
	return (uint32_t *)(void *)((uint8_t *)e + t->key_at);
}

/* What a packet does to an element that it finds or adds. */
struct rs_touch {
	struct mono now;
	uint32_t bytes;
	bool is_dry;   /* nothing */
	bool is_again; /* likewise; it has used up limits before */
};

/*
 * Keys of a map that are built may cross: 10.0.0.0/8 . 80 and 10.0.0.1 . 0-100. They are in
 * different tuples. As in nft, the one that the text has first decides; builders use slots in that
 * order.
 */

/*
 * Searches the element that contains the key, key[i] the value of field i. Returns false when there
 * is none, it has expired, or its limit does not match. *nr: its number in a map; may be NULL.
 */
bool rs_keyed_find(struct rs_keyed *k, const struct u128 *key, const struct rs_touch *touch,
                   uint32_t *nr);

enum rs_change {
	RS_CHANGE_ADD,
	RS_CHANGE_UPDATE, /* likewise; its time begins again */
	RS_CHANGE_DELETE,
};

/* A change by a packet, of an element without intervals. timeout_ns: 0 = none. */
struct rs_new {
	enum rs_change what;
	uint32_t kit; /* of an element that is new */
	uint64_t timeout_ns;
};

/*
 * Returns false when the set is full, or a limit of the element does not match. Deleting always
 * succeeds.
 */
bool rs_keyed_change(struct rs_keyed *k, const struct u128 *key, const struct rs_new *what,
                     const struct rs_touch *touch);

/* Looks for expired elements in some chains and deletes them. */
void rs_table_sweep(struct rs_table *t, struct mono now, uint32_t chains);

/* The rest is for builders and lists. Keys have t->words words. */

/*
 * Writes the words of a key: the values, or for a layer of the tuple the number of its interval.
 * numbers: by layer, as rs_keyed_numbers() writes them; may be NULL for an exact set.
 */
void rs_keyed_words(const struct rs_keyed *k, uint32_t tuple, const struct u128 *value,
                    const uint32_t *numbers, uint32_t *key);

/* The number of the interval that contains the value, for each layer; UINT32_MAX = none. */
void rs_keyed_numbers(const struct rs_keyed *k, const struct u128 *value, uint32_t *numbers);

struct rs_item {
	uint32_t kit;
	uint32_t nr;
	uint64_t deadline_ns; /* since the start */
	uint64_t timeout_ns;
	uint64_t packets;
	uint64_t bytes;
	uint64_t full_ns; /* of the limit */
};

enum rs_put {
	RS_PUT_NEW,
	RS_PUT_SAME, /* an element with this key was there, and stays */
	RS_PUT_FULL,
};

enum rs_put rs_table_put(struct rs_table *t, const uint32_t *key, const struct rs_item *item,
                         struct mono now);

/* The slot of an element that has not expired, plus one; 0 when there is none. */
uint32_t rs_table_slot(struct rs_table *t, const uint32_t *key, struct mono now);

/* Returns false when there is no such element. */
bool rs_table_delete(struct rs_table *t, const uint32_t *key, struct mono now);

/* Copies the element of a slot, unless it is free, or expired. */
bool rs_table_read(struct rs_table *t, uint32_t slot, struct mono now, uint32_t *key,
                   struct rs_item *out);

/* The time since the start. */
static inline uint64_t rs_table_now(const struct rs_table *t, struct mono now)
{
	uint64_t start = atomic_load_explicit(&t->start_ns, memory_order_relaxed);

	return start == 0 || (uint64_t)now.ns < start ? 0 : (uint64_t)now.ns - start;
}

#endif
