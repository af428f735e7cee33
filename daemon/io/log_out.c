/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log's writer. See log_out.h. Knows bytes and one descriptor.
 */
#include "log_out.h"

#include "clock.h"
#include "thread.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* About two thousand lines. */
#define RING_SIZE ((size_t)256 << 10)

/* Written at a time. A pipe or socket that is writable takes this much without waiting. */
#define CHUNK_SIZE ((size_t)4096)

/* How long log_out_free() waits for the reader. */
#define DRAIN_NS sec_to_ns(1)

struct log_out {
	/* set once */
	int fd;
	const char *prefix;
	pthread_t thread;
	bool has_thread;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t filled;  /* there is something to write, or the end */
	pthread_cond_t emptied; /* everything is written */
	size_t head;            /* of the ring: first byte not written */
	size_t used;            /* bytes not written */
	uint64_t dropped;       /* lines, not reported yet */
	bool is_writing;        /* the thread has taken bytes out of the ring */
	bool is_ending;
	bool is_left; /* the thread closes and frees at its end */
	char ring[RING_SIZE];
};

/* Threads that are left behind. */
static _Atomic unsigned left;

struct log_out *log_out_new(int fd, const char *prefix)
{
	struct log_out *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return NULL;
	}
	o->fd = fd;
	o->prefix = prefix;
	(void)pthread_mutex_init(&o->lock, NULL);
	thread_cond_init(&o->filled);
	thread_cond_init(&o->emptied);
	return o;
}

/* Writes all bytes, waiting for the reader. What fails for another reason is lost. */
static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done > 0) {
			bytes += done;
			size -= (size_t)done;
		} else if (done < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			(void)poll(&ready, 1, -1);
		} else if (done == 0 || errno != EINTR) {
			return;
		}
	}
}

/* Copies up to CHUNK_SIZE bytes out of the ring. */
static size_t take_chunk(struct log_out *o, char *chunk)
{
	size_t size = o->used < CHUNK_SIZE ? o->used : CHUNK_SIZE;
	size_t first = RING_SIZE - o->head < size ? RING_SIZE - o->head : size;

	memcpy(chunk, o->ring + o->head, first);
	memcpy(chunk + first, o->ring, size - first);
	o->head = (o->head + size) % RING_SIZE;
	o->used -= size;
	return size;
}

/* Appends a line that fits. */
static void put_bytes(struct log_out *o, const char *bytes, size_t size)
{
	size_t at = (o->head + o->used) % RING_SIZE;
	size_t first = RING_SIZE - at < size ? RING_SIZE - at : size;

	memcpy(o->ring + at, bytes, first);
	memcpy(o->ring, bytes + first, size - first);
	o->used += size;
}

/* Appends the number of dropped lines once half the ring is free, so that it is not repeated. */
static void put_dropped(struct log_out *o)
{
	char line[160];
	int size;

	if (o->prefix == NULL || o->dropped == 0 || o->used > RING_SIZE / 2) {
		return;
	}
	size = snprintf(line, sizeof(line),
	                "%s%" PRIu64 " log lines dropped: standard error was not read\n", o->prefix,
	                o->dropped);
	put_bytes(o, line, (size_t)size);
	o->dropped = 0;
}

static void destroy(struct log_out *o)
{
	(void)pthread_cond_destroy(&o->filled);
	(void)pthread_cond_destroy(&o->emptied);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
}

static void *writer_main(void *arg)
{
	struct log_out *o = arg;
	char chunk[CHUNK_SIZE];
	bool is_left;

	(void)pthread_mutex_lock(&o->lock);
	for (;;) {
		size_t size;

		put_dropped(o);
		if (o->used == 0) {
			(void)pthread_cond_broadcast(&o->emptied);
			if (o->is_ending) {
				break;
			}
			(void)pthread_cond_wait(&o->filled, &o->lock);
			continue;
		}
		size = take_chunk(o, chunk);
		o->is_writing = true;
		(void)pthread_mutex_unlock(&o->lock);
		write_all(o->fd, chunk, size);
		(void)pthread_mutex_lock(&o->lock);
		o->is_writing = false;
	}
	is_left = o->is_left;
	(void)pthread_mutex_unlock(&o->lock);
	if (is_left) {
		(void)close(o->fd);
		destroy(o);
		atomic_fetch_sub_explicit(&left, 1, memory_order_release);
	}
	return NULL;
}

int log_out_start(struct log_out *o)
{
	const int err = thread_start("log", writer_main, o, &o->thread);

	o->has_thread = err == 0;
	return err;
}

/* Without a thread: writes what the descriptor takes without waiting. */
static void write_now(struct log_out *o)
{
	struct pollfd ready = { .fd = o->fd, .events = POLLOUT };
	char chunk[CHUNK_SIZE];

	put_dropped(o);
	while (o->used > 0 && poll(&ready, 1, 0) == 1) {
		write_all(o->fd, chunk, take_chunk(o, chunk));
	}
}

bool log_out_put(struct log_out *o, const char *line, size_t size)
{
	bool fits;

	(void)pthread_mutex_lock(&o->lock);
	fits = size <= RING_SIZE - o->used;
	if (fits) {
		put_bytes(o, line, size);
	} else {
		o->dropped++;
	}
	if (o->has_thread) {
		(void)pthread_cond_signal(&o->filled);
	} else {
		write_now(o);
	}
	(void)pthread_mutex_unlock(&o->lock);
	return fits;
}

/* Something is not written yet. */
static bool is_busy(const struct log_out *o)
{
	return o->used > 0 || o->is_writing || (o->dropped > 0 && o->prefix != NULL);
}

/* Ends the thread. Returns false when it still writes; then leaves: it closes and frees. */
static bool end_thread(struct log_out *o, bool waits, bool leaves)
{
	struct mono until = mono_add(clock_now(), DRAIN_NS);
	int err = 0;
	bool is_over;

	(void)pthread_mutex_lock(&o->lock);
	o->is_ending = true;
	(void)pthread_cond_signal(&o->filled);
	while (waits && is_busy(o) && err == 0) {
		err = thread_cond_wait(&o->emptied, &o->lock, until);
	}
	is_over = !is_busy(o);
	if (!is_over) {
		/* Under the lock: its end follows. */
		o->is_left = leaves;
		(void)pthread_detach(o->thread);
		if (leaves) {
			atomic_fetch_add_explicit(&left, 1, memory_order_relaxed);
		}
	}
	(void)pthread_mutex_unlock(&o->lock);
	if (is_over) {
		(void)pthread_join(o->thread, NULL);
	}
	return is_over;
}

bool log_out_free(struct log_out *o)
{
	if (o == NULL) {
		return true;
	}
	if (o->has_thread && !end_thread(o, true, false)) {
		return false;
	}
	destroy(o);
	return true;
}

bool log_out_close(struct log_out *o, bool waits)
{
	if (o->has_thread && !end_thread(o, waits, true)) {
		return false;
	}
	(void)close(o->fd);
	destroy(o);
	return true;
}

unsigned log_out_left(void)
{
	return atomic_load_explicit(&left, memory_order_acquire);
}

uint64_t log_out_dropped(struct log_out *o)
{
	uint64_t dropped;

	(void)pthread_mutex_lock(&o->lock);
	dropped = o->dropped;
	o->dropped = 0;
	(void)pthread_mutex_unlock(&o->lock);
	return dropped;
}
