/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares the engine's decisions for single packets and for batches. Needs neither kernel nor
 * privileges; the clock is synthetic.
 */
#ifndef ORACLE_BATCHES_H
#define ORACLE_BATCHES_H

#include <stdint.h>

/* Prints the differences and returns their number. */
unsigned batches_compare(uint64_t packets, uint64_t seed);

#endif
