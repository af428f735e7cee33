/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench compare: compares two results files.
 *
 * A measure is worse when its median is worse by more than the threshold and the intervals between
 * the quartiles do not overlap. Otherwise the difference may be noise.
 */
#include "bench.h"
#include "results.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct side {
	double median;
	double low;
	double high;
};

static json_t *load(const char *path)
{
	json_error_t err;
	json_t *root = json_load_file(path, 0, &err);

	if (root == NULL) {
		fprintf(stderr, "finwall-bench: %s:%d:%d: %s\n", path, err.line, err.column,
		        err.text);
		return NULL;
	}
	if (strcmp(json_is_string(json_object_get(root, "schema"))
	                   ? json_string_value(json_object_get(root, "schema"))
	                   : "",
	           RESULTS_SCHEMA) != 0 ||
	    !json_is_array(json_object_get(root, "results"))) {
		fprintf(stderr, "finwall-bench: %s: not a results file (schema %s)\n", path,
		        RESULTS_SCHEMA);
		json_decref(root);
		return NULL;
	}
	return root;
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? "" : text;
}

/* The result with this id, or NULL. */
static const json_t *find(const json_t *root, const char *id)
{
	const json_t *results = json_object_get(root, "results");

	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *o = json_array_get(results, i);

		if (strcmp(text_of(o, "id"), id) == 0) {
			return o;
		}
	}
	return NULL;
}

static bool read_side(const json_t *o, struct side *s)
{
	s->median = json_number_value(json_object_get(o, "median"));
	s->low = json_number_value(json_object_get(o, "low"));
	s->high = json_number_value(json_object_get(o, "high"));
	return s->median > 0;
}

/* Prints one line. Returns true when the measure is worse. */
static bool compare(const json_t *before, const json_t *after, double threshold)
{
	bool lower = strcmp(text_of(after, "better"), "higher") != 0;
	struct side a;
	struct side b;
	double change;
	double loss;
	bool apart;
	const char *word = "same";

	if (!read_side(before, &a) || !read_side(after, &b)) {
		return false;
	}
	change = b.median / a.median - 1;
	loss = lower ? change : -change;
	apart = b.low > a.high || b.high < a.low;
	if (fabs(change) > threshold) {
		word = !apart ? "noise" : loss > 0 ? "WORSE" : "better";
	}
	printf("%-44s %12.5g %12.5g %-13s %+7.1f %%  %s\n", text_of(after, "id"), a.median,
	       b.median, text_of(after, "unit"), change * 100, word);
	return loss > threshold && apart;
}

/* Results of different machines or builds cannot be compared. */
static void warn_of_machines(const json_t *before, const json_t *after)
{
	static const char *const names[] = { "cpu", "kernel", "governor", "build" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *a = text_of(json_object_get(before, "machine"), names[i]);
		const char *b = text_of(json_object_get(after, "machine"), names[i]);

		if (strcmp(a, b) != 0) {
			fprintf(stderr, "finwall-bench: warning: different %s: \"%s\" and \"%s\"\n",
			        names[i], a, b);
		}
	}
}

enum bench_exit cmd_compare(const char *before_path, const char *after_path, double threshold)
{
	json_t *before = load(before_path);
	json_t *after = load(after_path);
	unsigned compared = 0;
	unsigned worse = 0;

	if (before != NULL && after != NULL) {
		const json_t *results = json_object_get(after, "results");

		warn_of_machines(before, after);
		for (size_t i = 0; i < json_array_size(results); i++) {
			const json_t *b = json_array_get(results, i);
			const json_t *a = find(before, text_of(b, "id"));

			if (a != NULL) {
				compared++;
				worse += compare(a, b, threshold);
			}
		}
		printf("%u compared, %u worse by more than %g %%\n", compared, worse,
		       threshold * 100);
		if (compared == 0) {
			fprintf(stderr, "finwall-bench: the files have no measure in common\n");
		}
	}
	json_decref(before);
	json_decref(after);
	if (compared == 0) {
		return BENCH_FAILED;
	}
	return worse > 0 ? BENCH_WORSE : BENCH_OK;
}
