/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as text: the Prometheus format 0.0.4, and OpenMetrics 1.0.
 *
 * A family is begun, then its samples follow; the caller passes each family once. The two formats
 * differ in the name of a counter's family, the unit, and the end. Must not know the daemon.
 */
#ifndef FINWALL_METRICS_EXPOSITION_H
#define FINWALL_METRICS_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

enum exposition_format {
	EXPOSITION_PROMETHEUS,
	EXPOSITION_OPENMETRICS,
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

/* Where text goes: memory. */
struct exposition {
	FILE *to;
	enum exposition_format format;
	/* the family that was begun */
	const char *name;
	enum metric_type type;
};

/* The longest value of a label; the rest is cut off. */
#define LABEL_SIZE_MAX 160

struct label {
	const char *name; /* NULL ends a list */
	const char *value;
};

/* The content type of a format, for HTTP. */
const char *exposition_content_type(enum exposition_format f);

/* Begins a family. name: without `_total`; borrowed until the next one. unit: "seconds", "bytes"
 * or NULL; the name ends with it. */
void exposition_family(struct exposition *x, const char *name, enum metric_type type,
                       const char *unit, const char *help);

/* Adds a sample of a counter or gauge. labels: NULL, or up to the first one without a name. */
void exposition_sample(struct exposition *x, const struct label *labels, uint64_t value);
void exposition_sample_f(struct exposition *x, const struct label *labels, double value);

/* One bucket of a histogram, cumulative; le_ns UINT64_MAX = all. */
void exposition_bucket(struct exposition *x, const struct label *labels, uint64_t le_ns,
                       uint64_t count);
void exposition_histogram_end(struct exposition *x, const struct label *labels, uint64_t count,
                              double sum);

/* Ends the text. */
void exposition_end(struct exposition *x);

#endif
