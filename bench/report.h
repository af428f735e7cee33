/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results: a list of measures with all their samples, and a list of distributions. The table, the
 * JSON file and the HTML page are made from it. Knows nothing of how anything was measured.
 */
#ifndef FINWALL_BENCH_REPORT_H
#define FINWALL_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum better {
	BETTER_LOWER,
	BETTER_HIGHER,
};

struct measure {
	char id[96]; /* stable between versions: "engine/established/ipv4/1k" */
	char title[128];
	char unit[24];
	enum better better;
	double target; /* 0 = none */
	double *sample;
	size_t samples_len;
	/* computed by report_finish() */
	double median;
	double low;  /* first quartile */
	double high; /* third quartile */
	double best; /* of all samples */
};

/* A distribution: the share `quantile` of all packets took at most `us` microseconds. */
struct curve_point {
	double quantile;
	double us;
};

#define CURVE_POINTS_MAX 64

struct curve {
	char id[96];
	char title[128];
	struct curve_point point[CURVE_POINTS_MAX];
	size_t len;
};

struct report {
	struct measure *measure;
	size_t len;
	struct curve *curve;
	size_t curves_len;
};

/*
 * Adds a measure without samples. Copies the strings, better and target of *m. Returns its number,
 * or -ENOMEM.
 */
long report_add(struct report *r, const struct measure *m);

/* Adds a sample to a measure. Returns 0/-ENOMEM. */
int report_sample(struct report *r, long nr, double value);

/* Adds a copy of a curve. Returns 0/-ENOMEM. */
int report_curve(struct report *r, const struct curve *c);

/* Computes medians and quartiles. Call it once, after the last sample. */
void report_finish(struct report *r);

bool report_has_samples(const struct report *r);

void report_free(struct report *r);

/* Prints all measures as a table. */
void report_print(const struct report *r);

#endif
