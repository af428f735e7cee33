/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the tables' memory from the system before packets need it.
 *
 * Memory is reserved at the start and zeroed by the kernel page by page when it is first touched;
 * a huge page takes it the better part of a millisecond, which some packet would have to wait. So,
 * where there is memory enough, it is touched early: in small pieces, from the main loop, while
 * packets go on.
 */
#ifndef FINWALL_PREFAULT_H
#define FINWALL_PREFAULT_H

struct daemon;

/* Begins with it once the main loop runs, if the settings and the memory there is want it so. */
void prefault_start(struct daemon *d);

/* Ends it, wherever it is; NULL-safe, also when it never began. */
void prefault_stop(struct daemon *d);

#endif
