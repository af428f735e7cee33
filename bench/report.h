/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was measured: a list of named measures with all their samples. Printed as a table, written
 * as JSON and as a page from the same list. Knows nothing of how anything was measured.
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
	char id[96];     /* stable: "engine/established/ipv4/1000/1" */
	char title[128]; /* for people */
	char unit[24];
	enum better better;
	double target; /* 0 = none */
	double *sample;
	size_t samples_len;
	/* of the samples */
	double median;
	double low;  /* first quartile */
	double high; /* third quartile */
	double best; /* of all: what the machine does when nothing else wants it */
};

/* A distribution: how many microseconds a share of all took at most. */
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
 * Adds a measure without samples. Returns its number, or -ENOMEM. The strings of *m are copied, the
 * rest of it but better and target is ignored.
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
