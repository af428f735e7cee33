/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results as one page that needs nothing else: tables, and plots as inline SVG.
 */
#ifndef FINWALL_BENCH_HTML_H
#define FINWALL_BENCH_HTML_H

#include "machine.h"
#include "report.h"

/* Returns 0, or -errno, having said why. */
int html_write(const char *path, const struct report *r, const struct machine *m);

#endif
