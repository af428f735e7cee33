/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefault: populates the memory of the connection tables before packets need it.
 *
 * The kernel zeroes a page at its first use; a huge page takes most of a millisecond, during which
 * a packet would wait. Where memory is plentiful the main loop populates the tables in small pieces
 * while packets pass.
 */
#ifndef FINWALL_PREFAULT_H
#define FINWALL_PREFAULT_H

#include <finwall/config.h>

#include <stddef.h>

struct event_base;
struct log;
struct prefaulter;

/*
 * Starts populating mem[0..size), page-aligned, from the loop of base, if how and the available
 * memory allow it. Logs the outcome. Returns NULL when there is nothing to do, or on failure. mem
 * must stay mapped until prefault_stop().
 */
struct prefaulter *prefault_start(struct event_base *base, struct log *log, void *mem, size_t size,
                                  enum prefault how);

/* Stops and frees it; NULL is fine. */
void prefault_stop(struct prefaulter *p);

#endif
