/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors in a configuration: gathered in its arena, one line each, up to ERRORS_MAX. The rest is
 * counted.
 */
#ifndef FINWALL_POLICY_ERROR_H
#define FINWALL_POLICY_ERROR_H

#include "tree.h"

#define ERRORS_MAX 20

/* Adds "FILE:LINE:COL: what, what was expected". */
void config_error(struct config *c, struct loc loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds how many were not listed. */
void config_errors_end(struct config *c);

/* "FILE:LINE:COL", or "FILE" for one that cannot be read, in the arena. */
const char *config_where(struct config *c, struct loc loc);

#endif
