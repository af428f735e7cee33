/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings of the doctor. See doctor.h.
 */
#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>

struct doctor_finding *doctor_add(struct doctor_report *out, enum doctor_level level,
                                  const char *check, const char *remedy, const char *fmt, ...)
{
	struct doctor_finding *f;
	va_list args;

	/* never full (see DOCTOR_FINDINGS_MAX); if it were, the last finding is kept */
	if (out->len == DOCTOR_FINDINGS_MAX) {
		out->len--;
	}
	f = &out->findings[out->len++];
	f->level = level;
	f->check = check;
	va_start(args, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, args);
	va_end(args);
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
	return f;
}
