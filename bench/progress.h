/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line on the terminal that says how far the measurements are; nothing where there is no
 * terminal.
 */
#ifndef FINWALL_BENCH_PROGRESS_H
#define FINWALL_BENCH_PROGRESS_H

/* done of all steps are done, what is next. */
void progress_show(unsigned done, unsigned all, const char *what);

/* Wipes the line. */
void progress_end(void);

#endif
