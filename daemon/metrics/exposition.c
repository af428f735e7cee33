/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as text. See exposition.h.
 */
#include "exposition.h"

#include <finwall/mono.h>

#include <inttypes.h>
#include <string.h>

const char *exposition_content_type(enum exposition_format f)
{
	return f == EXPOSITION_OPENMETRICS
	               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	               : "text/plain; version=0.0.4; charset=utf-8";
}

void exposition_family(struct exposition *x, const char *name, enum metric_type type,
                       const char *unit, const char *help)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};
	const char *suffix =
		type == METRIC_COUNTER && x->format == EXPOSITION_PROMETHEUS ? "_total" : "";

	x->name = name;
	x->type = type;
	(void)fprintf(x->to, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
	              types[type]);
	if (unit != NULL && x->format == EXPOSITION_OPENMETRICS) {
		(void)fprintf(x->to, "# UNIT %s %s\n", name, unit);
	}
}

/* The size of a value that fits, which does not end within a character. */
static size_t value_size(const char *value)
{
	size_t size = strnlen(value, LABEL_SIZE_MAX + 1);

	if (size > LABEL_SIZE_MAX) {
		size = LABEL_SIZE_MAX;
		while (size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80) {
			size--;
		}
	}
	return size;
}

/* Both formats escape the same three characters. */
static void print_value(FILE *to, const char *value)
{
	size_t size = value_size(value);

	for (size_t i = 0; i < size; i++) {
		switch (value[i]) {
		case '\\':
			(void)fputs("\\\\", to);
			break;
		case '"':
			(void)fputs("\\\"", to);
			break;
		case '\n':
			(void)fputs("\\n", to);
			break;
		default:
			(void)fputc(value[i], to);
			break;
		}
	}
}

/* le: the label of a bucket, or NULL. */
static void print_labels(FILE *to, const struct label *labels, const char *le)
{
	const char *between = "{";

	for (; labels != NULL && labels->name != NULL; labels++) {
		(void)fprintf(to, "%s%s=\"", between, labels->name);
		print_value(to, labels->value);
		(void)fputc('"', to);
		between = ",";
	}
	if (le != NULL) {
		(void)fprintf(to, "%sle=\"%s\"", between, le);
		between = ",";
	}
	if (*between == ',') {
		(void)fputc('}', to);
	}
}

static void print_name(struct exposition *x, const struct label *labels)
{
	(void)fprintf(x->to, "%s%s", x->name, x->type == METRIC_COUNTER ? "_total" : "");
	print_labels(x->to, labels, NULL);
}

void exposition_sample(struct exposition *x, const struct label *labels, uint64_t value)
{
	print_name(x, labels);
	(void)fprintf(x->to, " %" PRIu64 "\n", value);
}

void exposition_sample_f(struct exposition *x, const struct label *labels, double value)
{
	print_name(x, labels);
	(void)fprintf(x->to, " %.9g\n", value);
}

void exposition_bucket(struct exposition *x, const struct label *labels, uint64_t le_ns,
                       uint64_t count)
{
	char le[32] = "+Inf";

	if (le_ns != UINT64_MAX) {
		(void)snprintf(le, sizeof(le), "%.9g", (double)le_ns / (double)NSEC_PER_SEC);
	}
	(void)fprintf(x->to, "%s_bucket", x->name);
	print_labels(x->to, labels, le);
	(void)fprintf(x->to, " %" PRIu64 "\n", count);
}

void exposition_histogram_end(struct exposition *x, const struct label *labels, uint64_t count,
                              double sum)
{
	(void)fprintf(x->to, "%s_sum", x->name);
	print_labels(x->to, labels, NULL);
	(void)fprintf(x->to, " %.9g\n%s_count", sum, x->name);
	print_labels(x->to, labels, NULL);
	(void)fprintf(x->to, " %" PRIu64 "\n", count);
}

void exposition_end(struct exposition *x)
{
	if (x->format == EXPOSITION_OPENMETRICS) {
		(void)fputs("# EOF\n", x->to);
	}
}
