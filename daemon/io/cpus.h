/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs in this process's affinity mask, which a cpuset, a service manager or taskset(1) may
 * have reduced.
 */
#ifndef FINWALL_IO_CPUS_H
#define FINWALL_IO_CPUS_H

#include <pthread.h>
#include <stdint.h>

/* Returns their number, at least 1. */
uint32_t cpus_allowed(void);

/*
 * Pins thread nr (0, 1 ...) to one CPU: the nr-th of how, modulo its length. how: "on" for the
 * affinity mask, or a list (cpulist.h). Returns the CPU, -EINVAL when it is not in the affinity
 * mask, or another -errno.
 */
int cpus_pin(pthread_t thread, const char *how, uint32_t nr);

#endif
