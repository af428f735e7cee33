/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU lists in text: "0-3,6". Does not know which CPUs the machine has.
 */
#ifndef FINWALL_CPULIST_H
#define FINWALL_CPULIST_H

/* CPU numbers are below this. */
#define CPULIST_MAX 1024u

/* The number of CPUs that the list names, or 0 when the text is not a CPU list. */
unsigned cpulist_len(const char *list);

/* The nr-th CPU of the list, in its order; nr < cpulist_len(). */
unsigned cpulist_at(const char *list, unsigned nr);

#endif
