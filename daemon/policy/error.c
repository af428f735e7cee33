/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors in a configuration: see error.h.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

const char *config_where(struct config *c, struct loc loc)
{
	struct text t = { .arena = &c->arena };

	text_add(&t, "%s:%u:%u", ((const char **)c->files.items)[loc.file], loc.line, loc.col);
	return t.at;
}

void config_error(struct config *c, struct loc loc, const char *fmt, ...)
{
	char what[1024];
	va_list args;

	if (c->errors_len >= ERRORS_MAX) {
		return;
	}
	c->errors_len++;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	text_add(&c->errors, "%s: %s\n", config_where(c, loc), what);
}
