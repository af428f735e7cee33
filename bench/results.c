/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the JSON file by jansson.
 */
#include "results.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *machine_json(const struct machine *m)
{
	json_t *o = json_pack("{s:i, s:I}", "cpus", (int)m->cpus, "memory_bytes",
	                      (json_int_t)m->memory_bytes);
	const char *text;
	const char *name;

	for (unsigned i = 0; (name = machine_field(m, i, &text)) != NULL; i++) {
		(void)json_object_set_new(o, name, json_string(text));
	}
	return o;
}

static json_t *measure_json(const struct measure *m)
{
	json_t *samples = json_array();
	json_t *o;

	for (size_t i = 0; i < m->samples_len; i++) {
		(void)json_array_append_new(samples, json_real(m->sample[i]));
	}
	o = json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:o}", "id", m->id, "title",
	              m->title, "unit", m->unit, "better",
	              m->better == BETTER_LOWER ? "lower" : "higher", "median", m->median, "low",
	              m->low, "high", m->high, "best", m->best, "samples", samples);
	if (m->target != 0) {
		(void)json_object_set_new(o, "target", json_real(m->target));
	}
	return o;
}

static json_t *curve_json(const struct curve *c)
{
	json_t *points = json_array();

	for (size_t i = 0; i < c->len; i++) {
		(void)json_array_append_new(
			points, json_pack("[f, f]", c->point[i].quantile, c->point[i].us));
	}
	return json_pack("{s:s, s:s, s:o}", "id", c->id, "title", c->title, "points", points);
}

int results_write(const char *path, const struct report *r, const struct machine *m)
{
	json_t *results = json_array();
	json_t *curves = json_array();
	json_t *root;
	int err = 0;

	for (size_t i = 0; i < r->len; i++) {
		if (r->measure[i].samples_len > 0) {
			(void)json_array_append_new(results, measure_json(&r->measure[i]));
		}
	}
	for (size_t i = 0; i < r->curves_len; i++) {
		(void)json_array_append_new(curves, curve_json(&r->curve[i]));
	}
	root = json_pack("{s:s, s:o, s:o, s:o}", "schema", RESULTS_SCHEMA, "machine",
	                 machine_json(m), "results", results, "curves", curves);
	errno = 0;
	if (root == NULL ||
	    json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0) {
		err = errno != 0 ? -errno : -ENOMEM;
		fprintf(stderr, "finwall-bench: %s: %s\n", path, strerror(-err));
	}
	json_decref(root);
	return err;
}
