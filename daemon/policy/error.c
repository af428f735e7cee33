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

	text_add(&t, "%s", ((const char **)c->files.items)[loc.file]);
	if (loc.line != 0) {
		text_add(&t, ":%u:%u", loc.line, loc.col);
	}
	return t.at;
}

void config_errors_end(struct config *c)
{
	if (c->errors_len > ERRORS_MAX) {
		text_add(&c->errors, "%s: more errors are not listed (at least %u)\n",
		         ((const char **)c->files.items)[0], c->errors_len - ERRORS_MAX);
	}
}

void config_error(struct config *c, struct loc loc, const char *fmt, ...)
{
	char what[1024];
	va_list args;

	if (c->errors_len++ >= ERRORS_MAX) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	text_add(&c->errors, "%s: %s\n", config_where(c, loc), what);
}
