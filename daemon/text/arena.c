/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An arena: a list of chunks, allocated from front to back. See arena.h.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN      16
#define CHUNK_SIZE (64 * 1024 - 64)

struct arena_chunk {
	struct arena_chunk *next;
	char unused[ALIGN - sizeof(void *)];
};

bool arena_run(struct arena *a, void (*fn)(void *ctx), void *ctx)
{
	jmp_buf no_memory;
	jmp_buf *volatile outer = a->no_memory;

	if (setjmp(no_memory) != 0) {
		a->no_memory = outer;
		return false;
	}
	a->no_memory = &no_memory;
	fn(ctx);
	a->no_memory = outer;
	return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c;
	size_t chunk_size = CHUNK_SIZE;
	void *out;

	if (size > SIZE_MAX / 2) {
		longjmp(*a->no_memory, 1);
	}
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size > (size_t)(a->end - a->at)) {
		if (size > chunk_size) {
			chunk_size = size;
		}
		c = calloc(1, ALIGN + chunk_size);
		if (c == NULL) {
			longjmp(*a->no_memory, 1);
		}
		c->next = a->chunks;
		a->chunks = c;
		a->at = (char *)c + ALIGN;
		a->end = a->at + chunk_size;
	}
	out = a->at;
	a->at += size;
	return out;
}

void arena_fail(struct arena *a)
{
	longjmp(*a->no_memory, 1);
}

char *arena_text(struct arena *a, const char *text, size_t size)
{
	char *copy = arena_alloc(a, size + 1);

	memcpy(copy, text, size);
	return copy;
}

void arena_fini(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	*a = (struct arena){ 0 };
}

void *vec_add(struct arena *a, struct vec *v, size_t item_size)
{
	if (v->len == v->cap) {
		size_t cap = v->cap == 0 ? 16 : v->cap * 2;
		void *items = arena_alloc(a, cap * item_size);

		if (v->len != 0) {
			memcpy(items, v->items, v->len * item_size);
		}
		v->items = items;
		v->cap = cap;
	}
	return (char *)v->items + item_size * v->len++;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;
	size_t added;

	va_start(args, fmt);
	added = (size_t)vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (t->size + added >= t->cap) {
		size_t cap = (t->size + added + 1) * 2 + 128;
		char *at = arena_alloc(t->arena, cap);

		if (t->size != 0) {
			memcpy(at, t->at, t->size);
		}
		t->at = at;
		t->cap = cap;
	}
	va_start(args, fmt);
	vsnprintf(t->at + t->size, t->cap - t->size, fmt, args);
	va_end(args);
	t->size += added;
}
