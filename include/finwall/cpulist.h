/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of processors as people write them: 0-3,6. Knows nothing of those that there are.
 */
#ifndef FINWALL_CPULIST_H
#define FINWALL_CPULIST_H

/* Processors have lower numbers than this. */
#define CPULIST_MAX 1024u

/* How many processors a list names, in its order; 0 when it is not a list. */
unsigned cpulist_len(const char *list);

/* The nr-th of them, nr < cpulist_len(). */
unsigned cpulist_at(const char *list, unsigned nr);

#endif
