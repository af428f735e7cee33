/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values, results and their output as text and JSON.
 */
#include "replay/sweep.h"

#include "replay/setting.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static bool parse_range(const struct tunable *row, const char *text, int64_t *from, int64_t *to);

const char *sweep_parse(struct sweep *s, const char *text, size_t steps_len)
{
	const char *equals = strchr(text, '=');
	int64_t from;
	int64_t to;

	if (equals == NULL) {
		return "expected SETTING=FROM..TO";
	}
	s->row = setting_find(text, (size_t)(equals - text));
	if (s->row == NULL || s->row->kind != TUNABLE_DURATION) {
		return "unknown timeout";
	}
	if (!parse_range(s->row, equals + 1, &from, &to)) {
		return "expected two durations within the limits of the setting, the smaller one "
		       "first, for example 10s..2h";
	}
	s->steps_len = 0;
	for (size_t i = 0; i < steps_len; i++) {
		double share = steps_len > 1 ? (double)i / (double)(steps_len - 1) : 0;
		int64_t sec = llround((double)from * pow((double)to / (double)from, share));

		if (s->steps_len == 0 || s->step[s->steps_len - 1].sec != sec) {
			s->step[s->steps_len++].sec = sec;
		}
	}
	return NULL;
}

static bool parse_range(const struct tunable *row, const char *text, int64_t *from, int64_t *to)
{
	const char *dots = strstr(text, "..");

	return dots != NULL && setting_parse_value(row, text, (size_t)(dots - text), from) == 0 &&
	       setting_parse_value(row, dots + 2, strlen(dots + 2), to) == 0 && *from <= *to;
}

void sweep_store(struct sweep *s, size_t nr, const struct replay *r)
{
	struct sweep_step *step = &s->step[nr];

	memcpy(step->totals, r->conns.totals, sizeof(step->totals));
	for (size_t i = 0; i < r->instances_len; i++) {
		step->flows_peak[i] = r->instance[i].flows_peak;
		step->tombs_peak[i] = r->instance[i].tombs_peak;
	}
}

void sweep_print_text(const struct sweep *s, FILE *out)
{
	char text[64];
	int setting_width = (int)strlen(setting_name(s->row, text, sizeof(text)));
	int name_width = 0;

	for (size_t i = 0; i < s->policies_len; i++) {
		int width = (int)strlen(s->policies[i].name);

		name_width = width > name_width ? width : name_width;
	}
	fprintf(out, "%-*s %-*s %7s %7s %9s %7s %7s %10s\n", setting_width,
	        setting_name(s->row, text, sizeof(text)), name_width, "", "late", "saved",
	        "recovered", "hung", "flows", "remembered");
	for (size_t k = 0; k < s->steps_len; k++) {
		const struct sweep_step *step = &s->step[k];

		setting_duration_text(step->sec, text, sizeof(text));
		for (size_t i = 0; i < s->policies_len; i++) {
			const struct conn_totals *t = &step->totals[i];

			fprintf(out,
			        "%-*s %-*s %7" PRIu64 " %7" PRIu64 " %9" PRIu64 " %7" PRIu64
			        " %7" PRIu64 " %10" PRIu64 "\n",
			        setting_width, i == 0 ? text : "", name_width, s->policies[i].name,
			        t->late, t->saved, t->recovered, t->hung, step->flows_peak[i],
			        step->tombs_peak[i]);
		}
	}
}

void sweep_print_json(const struct sweep *s, FILE *out)
{
	json_t *steps = json_array();
	char name[64];
	json_t *all;

	for (size_t k = 0; k < s->steps_len; k++) {
		const struct sweep_step *step = &s->step[k];
		json_t *policies = json_array();

		for (size_t i = 0; i < s->policies_len; i++) {
			const struct conn_totals *t = &step->totals[i];

			json_array_append_new(
				policies,
				json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
			                  s->policies[i].name, "late", (json_int_t)t->late, "saved",
			                  (json_int_t)t->saved, "recovered",
			                  (json_int_t)t->recovered, "hung", (json_int_t)t->hung,
			                  "flows_peak", (json_int_t)step->flows_peak[i],
			                  "remembered_peak", (json_int_t)step->tombs_peak[i]));
		}
		json_array_append_new(steps, json_pack("{s:I, s:o}", "seconds",
		                                       (json_int_t)step->sec, "lanes", policies));
	}
	all = json_pack("{s:s, s:s, s:o}", "type", "sweep", "setting",
	                setting_name(s->row, name, sizeof(name)), "steps", steps);
	(void)json_dumpf(all, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(all);
}
