/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's connection table of the router.
 */
#ifndef FINWALL_BENCH_KERNEL_TRACKER_H
#define FINWALL_BENCH_KERNEL_TRACKER_H

#include "netns.h"

/*
 * Deletes all entries, so that each filter starts with an empty table: the closed connections of
 * one measurement stay there for two minutes, until the table is full, and finwalld reads them all
 * when it starts. Returns 0, also without a kernel tracker, or -errno.
 */
int kernel_tracker_clear(const struct netns *net);

#endif
