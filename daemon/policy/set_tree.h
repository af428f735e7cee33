/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trees of finwall/ruleset_set.h: built, walked, and changed by making another one that shares
 * nearly all chunks with the first. Heap memory, one thread. Knows nothing of text.
 */
#ifndef FINWALL_POLICY_SET_TREE_H
#define FINWALL_POLICY_SET_TREE_H

#include "value.h"

#include <finwall/ruleset_set.h>

/* Intervals sorted and disjoint, len of them. Returns NULL when memory runs out. */
struct rs_tree *tree_build(bool is_wide, const struct interval *sorted, uint64_t len);

/* With all its chunks; NULL is fine. */
void tree_free(struct rs_tree *t);

/* Where a walk has come to; zeroed at its beginning. Another tree of the same set may be walked on:
 * intervals that are in both come once. */
struct tree_cursor {
	struct u128 next; /* those that begin before it are done */
	bool is_over;
};

/* The next intervals, at most a chunk's worth: room for TREE_WALK_LEN. Returns how many; 0 = over.
 */
#define TREE_WALK_LEN RS_CHUNK32_LEN
uint32_t tree_walk(const struct rs_tree *t, struct tree_cursor *at, struct interval *out);

/* What a change replaced: memory that readers may still look at. */
struct tree_garbage {
	void **block;
	size_t len;
	size_t room;
};
void tree_garbage_free(struct tree_garbage *g);

/* How elements that touch or overlap are met. */
enum tree_kind {
	TREE_DISTINCT, /* each stands for itself: one that overlaps another is refused */
	TREE_MERGING,  /* they become one; a part can be taken out */
};

enum tree_outcome {
	TREE_CHANGED,
	TREE_SAME,      /* it is there already */
	TREE_NOT_THERE, /* there is nothing to delete */
	TREE_OVERLAPS,  /* with *other */
	TREE_NO_MEMORY,
};

/* A change under way: any number of additions and deletions, then commit or drop. */
struct tree_edit;

/* Begins with what is in t, which lives on. Returns NULL when memory runs out. */
struct tree_edit *tree_edit_new(struct rs_tree *t, enum tree_kind kind);

/* *other: the element that is in the way. */
enum tree_outcome tree_edit_add(struct tree_edit *e, const struct interval *i,
                                struct interval *other);
enum tree_outcome tree_edit_delete(struct tree_edit *e, const struct interval *i,
                                   struct interval *other);

/*
 * Ends it with a new tree, and *g filled with what of the old one is in no use any more. Returns
 * NULL when memory runs out; then everything is as it was.
 */
struct rs_tree *tree_edit_commit(struct tree_edit *e, struct tree_garbage *g);

/* Ends it without a trace; NULL is fine. */
void tree_edit_drop(struct tree_edit *e);

#endif
