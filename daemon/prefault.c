/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the tables' memory from the system before packets need it. See prefault.h.
 */
#include "prefault.h"

#include "daemon.h"
#include "io/log.h"
#include "io/mem.h"

#include <errno.h>
#include <string.h>

/* A piece takes the main loop a millisecond or two; all of it must be over soon all the same. */
#define PIECE_SIZE       ((size_t)4 << 20)
#define PIECE_EVERY_USEC 10000

/* "Where there is plenty": what is to be taken is at most this part of what can be had. */
#define AUTO_PART 8

static void next_piece(evutil_socket_t fd, short what, void *arg);

/* Is there room for what is left? Asked again before each piece: others need memory too. */
static bool has_room(const struct daemon *d)
{
	uint64_t left = d->engine_table_size - d->prefaulted;

	switch ((enum prefault)d->settings_at_start.prefault) {
	case PREFAULT_ON:
		return true;
	case PREFAULT_AUTO:
		return left <= mem_available() / AUTO_PART;
	default:
		return false;
	}
}

void prefault_start(struct daemon *d)
{
	const struct timeval every = { .tv_usec = PIECE_EVERY_USEC };

	if (!has_room(d)) {
		return;
	}
	d->ev_prefault = event_new(d->base, -1, EV_PERSIST, next_piece, d);
	if (d->ev_prefault == NULL || event_add(d->ev_prefault, &every) != 0) {
		log_say(d->log, LOG_LEVEL_WARNING, "no memory is taken in advance: no timer");
		prefault_stop(d);
	}
}

void prefault_stop(struct daemon *d)
{
	if (d->ev_prefault != NULL) {
		event_free(d->ev_prefault);
		d->ev_prefault = NULL;
	}
}

static void next_piece(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	size_t left = d->engine_table_size - d->prefaulted;
	size_t size = left < PIECE_SIZE ? left : PIECE_SIZE;
	int err;

	(void)fd;
	(void)what;
	err = has_room(d) ? mem_populate((char *)d->engine_mem + d->prefaulted, size) : -ENOMEM;
	if (err != 0) {
		log_say(d->log, LOG_LEVEL_NOTICE,
		        "%zu of %zu MiB for connections taken in advance, the rest as it is used: "
		        "%s",
		        d->prefaulted >> 20, d->engine_table_size >> 20,
		        err == -EINVAL ? "this kernel cannot" : strerror(-err));
		prefault_stop(d);
		return;
	}
	d->prefaulted += size;
	if (d->prefaulted == d->engine_table_size) {
		log_say(d->log, LOG_LEVEL_INFO, "%zu MiB for connections taken in advance",
		        d->prefaulted >> 20);
		prefault_stop(d);
	}
}
