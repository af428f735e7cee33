/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The readers' list: added to, published, retired. See watch.h. A new list is made for each change;
 * an older one is freed when all workers use a newer one.
 */
#include "watch.h"

#include "io/mem.h"
#include "workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_ports(struct watch *watch, const struct workers *ws)
{
	uint32_t len = ws->len + 1;

	if (watch->ports != NULL) {
		return 0;
	}
	watch->ports = calloc(len, sizeof(*watch->ports));
	if (watch->ports == NULL) {
		return -ENOMEM;
	}
	watch->ports_len = len;
	for (uint32_t i = 0; i < len; i++) {
		watch->ports[i] = mem_map(sizeof(**watch->ports));
		if (watch->ports[i] == NULL) {
			watch_fini(watch);
			return -ENOMEM;
		}
	}
	return 0;
}

/* A copy of the current list, empty at first. */
static struct watch_list *copy_list(const struct watch *watch)
{
	struct watch_list *list = calloc(1, sizeof(*list));

	if (list != NULL && watch->current != NULL) {
		memcpy(list->at, watch->current->at, sizeof(list->at));
	}
	return list;
}

static void publish(struct watch *watch, struct workers *ws, struct watch_list *list)
{
	list->kinds = 0;
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		list->kinds |= list->at[i] != NULL ? list->at[i]->kinds : 0;
	}
	list->older = watch->current;
	watch->current = list;
	for (uint32_t i = 0; i < ws->len; i++) {
		if (ws->at[i].watch_port == NULL) {
			/* Later the worker reads it at any time. */
			ws->at[i].watch_port = watch->ports[i];
		}
		atomic_store_explicit(&ws->at[i].watch_wanted, list, memory_order_release);
	}
}

/* The slot of a reader that is gone is free when no record for it can be left in a ring. */
static bool slot_is_free(const struct watch *watch, unsigned slot)
{
	for (const struct watch_list *l = watch->current; l != NULL; l = l->older) {
		if (l->at[slot] != NULL) {
			return false;
		}
	}
	return true;
}

int watch_add(struct watch *watch, struct workers *ws, const struct watch_filter *filter,
              unsigned places, uint32_t kinds, uint32_t rate, struct watcher **out)
{
	struct watch_list *list;
	struct watcher *w;
	unsigned slot = 0;
	int err = make_ports(watch, ws);

	if (err != 0) {
		return err;
	}
	while (slot < places && !slot_is_free(watch, slot)) {
		slot++;
	}
	if (slot >= places) {
		return -EBUSY;
	}
	list = copy_list(watch);
	w = calloc(1, sizeof(*w));
	if (w != NULL) {
		w->without = calloc(1, sizeof(*w->without));
	}
	if (list == NULL || w == NULL || w->without == NULL) {
		free(list);
		free(w);
		return -ENOMEM;
	}
	w->filter = *filter;
	w->kinds = kinds;
	w->interval_ns = (uint64_t)NSEC_PER_SEC / rate;
	w->slack_ns = (uint64_t)NSEC_PER_SEC - w->interval_ns;
	list->at[slot] = w;
	publish(watch, ws, list);
	*out = w;
	return 0;
}

void watch_remove(struct watch *watch, struct workers *ws, struct watcher *w)
{
	struct watch_list *list = w->without;

	memcpy(list->at, watch->current->at, sizeof(list->at));
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		if (list->at[i] == w) {
			list->at[i] = NULL;
		}
	}
	list->removed = w;
	publish(watch, ws, list);
}

uint32_t watch_bit(const struct watch *watch, const struct watcher *w)
{
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		if (watch->current->at[i] == w) {
			return 1u << i;
		}
	}
	return 0;
}

uint64_t watch_take_left_out(struct watcher *w)
{
	return atomic_exchange_explicit(&w->left_out, 0, memory_order_relaxed);
}

bool watch_can_retire(const struct watch *watch, const struct workers *ws)
{
	if (watch->current == NULL ||
	    (watch->current->older == NULL && watch->current->removed == NULL)) {
		return false;
	}
	for (uint32_t i = 0; i < ws->len; i++) {
		if (atomic_load_explicit(&ws->at[i].watch_used, memory_order_acquire) !=
		    watch->current) {
			return false;
		}
	}
	return true;
}

void watch_retire(struct watch *watch)
{
	struct watch_list *list = watch->current;

	free(list->removed);
	list->removed = NULL;
	list = list->older;
	watch->current->older = NULL;
	while (list != NULL) {
		struct watch_list *older = list->older;

		free(list->removed);
		free(list);
		list = older;
	}
}

void watch_fini(struct watch *watch)
{
	if (watch->current != NULL) {
		for (unsigned i = 0; i < WATCHERS_MAX; i++) {
			if (watch->current->at[i] != NULL) {
				free(watch->current->at[i]->without);
				free(watch->current->at[i]);
			}
		}
		watch_retire(watch);
		free(watch->current);
	}
	for (uint32_t i = 0; i < watch->ports_len; i++) {
		mem_unmap(watch->ports[i], sizeof(**watch->ports));
	}
	free(watch->ports);
	*watch = (struct watch){ .current = NULL };
}
