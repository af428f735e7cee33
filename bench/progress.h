/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A progress bar on the terminal. Without a terminal the functions do nothing.
 */
#ifndef FINWALL_BENCH_PROGRESS_H
#define FINWALL_BENCH_PROGRESS_H

/* done of all steps are complete; what: the name of the next one. */
void progress_show(unsigned done, unsigned all, const char *what);

/* Erases the line. */
void progress_end(void);

#endif
