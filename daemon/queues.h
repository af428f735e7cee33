/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the workers' queues: new ones, or those whose sockets the service manager has stored.
 */
#ifndef FINWALL_QUEUES_H
#define FINWALL_QUEUES_H

#include "workers.h"

#include <finwall/config.h>

/* Queues that installed hook rules use besides the daemon's: those of an earlier configuration. */
#define QUEUES_EXTRA_MAX 1024
struct extra_queues {
	uint16_t at[QUEUES_EXTRA_MAX];
	uint32_t len;
};

/*
 * Opens one queue per worker: queue_num on, and for the last workers those of extra. That one of
 * extra cannot be opened is only logged, and its worker is left out. Reads and clears LISTEN_FDS of
 * the environment. Sets each worker's sock, queue, keeps_queue and is_adopted, and *adopted to how
 * many queues are the previous process's. Logs a failure. Returns 0/-errno; workers_free() closes
 * what is open.
 */
int queues_open(struct workers *ws, const struct settings *s, const struct extra_queues *extra,
                struct log *log, uint32_t *adopted);

#endif
