/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors that this process may use, by its affinity mask: what a cpuset of its control
 * group, a service manager or taskset(1) left it.
 */
#ifndef FINWALL_IO_CPUS_H
#define FINWALL_IO_CPUS_H

#include <pthread.h>
#include <stdint.h>

/* How many; at least 1. */
uint32_t cpus_allowed(void);

/*
 * Keeps thread nr (0, 1 ...) to one processor: the nr-th of how, "on" for all that are allowed, or
 * a list (cpulist.h); they are used in turn. Returns its number, -EINVAL when it is not among those
 * allowed, or another -errno.
 */
int cpus_pin(pthread_t thread, const char *how, uint32_t nr);

#endif
