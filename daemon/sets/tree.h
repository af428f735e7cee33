/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trees of finwall/ruleset_set.h: built, walked and changed. A change makes a new tree that
 * shares nearly all chunks with the old one. Heap memory, one thread. Knows nothing of text.
 */
#ifndef FINWALL_SETS_TREE_H
#define FINWALL_SETS_TREE_H

#include <finwall/ruleset_set.h>

/* Intervals sorted and disjoint, len of them. Returns NULL when memory runs out. */
struct rs_tree *tree_build(bool is_wide, const struct interval *sorted, uint64_t len);

/* Frees the tree with its chunks; NULL is fine. */
void tree_free(struct rs_tree *t);

/* The position of a walk; zero begins. The walk may continue in a later tree of the same set:
 * intervals that are in both are visited once. */
struct tree_cursor {
	struct u128 next; /* those that begin before it are done */
	bool is_over;
};

/* Copies the next intervals, at most TREE_WALK_LEN, to out. Returns how many; 0 = end. */
#define TREE_WALK_LEN RS_CHUNK32_LEN
uint32_t tree_walk(const struct rs_tree *t, struct tree_cursor *at, struct interval *out);

/* Memory that a change replaced, and that readers may still read. */
struct tree_garbage {
	void **block;
	size_t len;
	size_t cap;
};
void tree_garbage_free(struct tree_garbage *g);

/* What happens to elements that touch or overlap. */
enum tree_kind {
	TREE_DISTINCT, /* each is kept as it is; one that overlaps another is refused */
	TREE_MERGING,  /* they become one; a part can be deleted */
};

enum tree_outcome {
	TREE_CHANGED,
	TREE_SAME,      /* it is in the set already */
	TREE_NOT_THERE, /* it is not in the set */
	TREE_OVERLAPS,  /* with *other */
	TREE_NO_MEMORY,
};

/* A change: any number of additions and deletions, then commit or drop. */
struct tree_edit;

/* Begins a change of t, which stays valid. Returns NULL when memory runs out. */
struct tree_edit *tree_edit_new(struct rs_tree *t, enum tree_kind kind);

/* *other: the element that the change conflicts with. */
enum tree_outcome tree_edit_add(struct tree_edit *e, const struct interval *i,
                                struct interval *other);
enum tree_outcome tree_edit_delete(struct tree_edit *e, const struct interval *i,
                                   struct interval *other);

/*
 * Ends the change: returns a new tree and fills *g with the memory that only the old one uses.
 * Returns NULL when memory runs out; then the old tree is unchanged.
 */
struct rs_tree *tree_edit_commit(struct tree_edit *e, struct tree_garbage *g);

/* Ends the change without effect; NULL is fine. */
void tree_edit_drop(struct tree_edit *e);

#endif
