/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefault of the connection tables. See prefault.h.
 */
#include "prefault.h"

#include "io/log.h"
#include "io/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* A piece takes the main loop one or two milliseconds; 1 GiB is populated in 2.5 seconds. */
#define PIECE_SIZE       ((size_t)4 << 20)
#define PIECE_EVERY_USEC 10000

/* PREFAULT_AUTO: the tables may need at most this part, 1/8, of the available memory. */
#define AUTO_PART 8

struct prefaulter {
	struct log *log;
	char *mem;
	size_t size;
	size_t done; /* bytes populated */
	enum prefault how;
	struct event *timer; /* NULL when it has finished */
};

static void on_timer(evutil_socket_t fd, short what, void *arg);

/* Checked before each piece: other processes need memory too. */
static bool has_memory(const struct prefaulter *p)
{
	switch (p->how) {
	case PREFAULT_ON:
		return true;
	case PREFAULT_AUTO:
		return p->size - p->done <= mem_available() / AUTO_PART;
	default:
		return false;
	}
}

struct prefaulter *prefault_start(struct event_base *base, struct log *log, void *mem, size_t size,
                                  enum prefault how)
{
	const struct timeval every = { .tv_usec = PIECE_EVERY_USEC };
	struct prefaulter *p = calloc(1, sizeof(*p));

	if (p != NULL) {
		*p = (struct prefaulter){ .log = log, .mem = mem, .size = size, .how = how };
		if (!has_memory(p)) {
			free(p);
			return NULL;
		}
		p->timer = event_new(base, -1, EV_PERSIST, on_timer, p);
	}
	if (p == NULL || p->timer == NULL || event_add(p->timer, &every) != 0) {
		log_write(log, LOG_LEVEL_WARNING, "cannot prefault the connection tables: %s",
		          strerror(ENOMEM));
		prefault_stop(p);
		return NULL;
	}
	return p;
}

static void finish(struct prefaulter *p)
{
	if (p->timer != NULL) {
		event_free(p->timer);
		p->timer = NULL;
	}
}

void prefault_stop(struct prefaulter *p)
{
	if (p != NULL) {
		finish(p);
		free(p);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct prefaulter *p = arg;
	size_t left = p->size - p->done;
	size_t size = left < PIECE_SIZE ? left : PIECE_SIZE;
	int err;

	(void)fd;
	(void)what;
	err = has_memory(p) ? mem_populate(p->mem + p->done, size) : -ENOMEM;
	if (err != 0) {
		log_write(p->log, LOG_LEVEL_NOTICE,
		          "prefaulted %zu of %zu MiB of the connection tables: %s; the rest is "
		          "allocated on first use",
		          p->done >> 20, p->size >> 20,
		          err == -EINVAL ? "needs Linux 5.14" : strerror(-err));
		finish(p);
		return;
	}
	p->done += size;
	if (p->done == p->size) {
		log_write(p->log, LOG_LEVEL_INFO, "prefaulted %zu MiB of the connection tables",
		          p->done >> 20);
		finish(p);
	}
}
