/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results as one HTML page that loads no other file: tables, and charts as inline SVG.
 */
#ifndef FINWALL_BENCH_HTML_H
#define FINWALL_BENCH_HTML_H

#include "machine.h"
#include "report.h"

/* Returns 0, or -errno after an error message. */
int html_write(const char *path, const struct report *r, const struct machine *m);

#endif
