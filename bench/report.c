/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of measures and its table.
 */
#include "report.h"

#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long report_add(struct report *r, const struct measure *m)
{
	struct measure *grown = reallocarray(r->measure, r->len + 1, sizeof(*grown));
	struct measure *fresh;

	if (grown == NULL) {
		return -ENOMEM;
	}
	r->measure = grown;
	fresh = &grown[r->len];
	*fresh = *m;
	fresh->sample = NULL;
	fresh->samples_len = 0;
	return (long)r->len++;
}

int report_sample(struct report *r, long nr, double value)
{
	struct measure *m = &r->measure[nr];
	double *grown = reallocarray(m->sample, m->samples_len + 1, sizeof(*grown));

	if (grown == NULL) {
		return -ENOMEM;
	}
	m->sample = grown;
	grown[m->samples_len++] = value;
	return 0;
}

void report_finish(struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		struct measure *m = &r->measure[i];

		m->median = sample_quantile(m->sample, m->samples_len, 0.5);
		m->low = sample_quantile(m->sample, m->samples_len, 0.25);
		m->high = sample_quantile(m->sample, m->samples_len, 0.75);
	}
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		free(r->measure[i].sample);
	}
	free(r->measure);
	*r = (struct report){ 0 };
}

static const char *target_text(const struct measure *m, char *buf, size_t buf_size)
{
	bool met = m->better == BETTER_LOWER ? m->median <= m->target : m->median >= m->target;

	if (m->target == 0) {
		return "";
	}
	snprintf(buf, buf_size, "%s %.4g %s", m->better == BETTER_LOWER ? "<=" : ">=", m->target,
	         met ? "met" : "MISSED");
	return buf;
}

void report_print(const struct report *r)
{
	printf("%-58s %12s %-12s %21s  %4s  %s\n", "", "median", "", "quartiles", "runs", "target");
	for (size_t i = 0; i < r->len; i++) {
		const struct measure *m = &r->measure[i];
		char spread[48];
		char target[48];

		snprintf(spread, sizeof(spread), "%.4g .. %.4g", m->low, m->high);
		printf("%-58s %12.5g %-12s %21s  %4zu  %s\n", m->title, m->median, m->unit, spread,
		       m->samples_len, target_text(m, target, sizeof(target)));
	}
}
