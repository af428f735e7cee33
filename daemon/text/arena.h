/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is freed all at once. When an allocation fails, arena_run() returns, so that parser,
 * checker and compiler need not test each allocation. Does not know what the memory holds.
 */
#ifndef FINWALL_TEXT_ARENA_H
#define FINWALL_TEXT_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	char *at;
	char *end;
	jmp_buf *no_memory; /* of the innermost arena_run() */
};

/* Runs fn(ctx), which may allocate. Returns false when memory ran out. */
bool arena_run(struct arena *a, void (*fn)(void *ctx), void *ctx);

/* Zeroed, aligned for anything. Only inside arena_run(); does not return when memory runs out. */
void *arena_alloc(struct arena *a, size_t size);

/* Leaves arena_run() as arena_alloc() does when memory runs out. */
void arena_fail(struct arena *a) __attribute__((noreturn));

/* Copies size bytes and adds a NUL. */
char *arena_text(struct arena *a, const char *text, size_t size);

/* Frees everything; the arena may be used again. */
void arena_fini(struct arena *a);

/* A growing array in an arena. The elements may move when one is added. */
struct vec {
	void *items;
	size_t len;
	size_t cap;
};

/* Adds a zeroed element of item_size bytes and returns it. */
void *vec_add(struct arena *a, struct vec *v, size_t item_size);

/* Text that grows in an arena; at is always NUL-terminated once something was added. */
struct text {
	struct arena *arena;
	char *at;
	size_t size;
	size_t cap;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
