/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists that grow, and the table.
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

int report_curve(struct report *r, const struct curve *c)
{
	struct curve *grown = reallocarray(r->curve, r->curves_len + 1, sizeof(*grown));

	if (grown == NULL) {
		return -ENOMEM;
	}
	r->curve = grown;
	grown[r->curves_len++] = *c;
	return 0;
}

void report_finish(struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		struct measure *m = &r->measure[i];

		m->median = sample_quantile(m->sample, m->samples_len, 0.5);
		m->low = sample_quantile(m->sample, m->samples_len, 0.25);
		m->high = sample_quantile(m->sample, m->samples_len, 0.75);
		m->best = sample_quantile(m->sample, m->samples_len,
		                          m->better == BETTER_LOWER ? 0 : 1);
	}
}

bool report_has_samples(const struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		if (r->measure[i].samples_len > 0) {
			return true;
		}
	}
	return false;
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		free(r->measure[i].sample);
	}
	free(r->measure);
	free(r->curve);
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
	printf("%-76s %11s %-13s %21s %11s %5s  %s\n", "", "median", "", "quartiles", "best",
	       "runs", "target");
	for (size_t i = 0; i < r->len; i++) {
		const struct measure *m = &r->measure[i];
		char spread[48];
		char target[48];

		if (m->samples_len == 0) {
			continue;
		}
		snprintf(spread, sizeof(spread), "%.4g .. %.4g", m->low, m->high);
		printf("%-76s %11.5g %-13s %21s %11.5g %5zu  %s\n", m->title, m->median, m->unit,
		       spread, m->best, m->samples_len, target_text(m, target, sizeof(target)));
	}
}
