/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same packets one by one and in batches: the engine must decide alike. Needs no kernel and no
 * rights; time is made up.
 */
#ifndef ORACLE_BATCHES_H
#define ORACLE_BATCHES_H

#include <stdint.h>

/* Prints what differs. Returns the number of differences. */
unsigned batches_compare(uint64_t packets, uint64_t seed);

#endif
