/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The match time. Its times are UTC, those of the configuration language are local, as in nft: with
 * another time zone than UTC the rule is refused, because no fixed offset is right all the year.
 */
#include "iptables/list.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

static struct convert_meter *last(struct rule_parser *p)
{
	return convert_meter_last(p, METER_TIME);
}

/* "08:00" or "08:00:30" as seconds */
static bool read_daytime(const char *text, uint32_t *out)
{
	unsigned h;
	unsigned m;
	unsigned s = 0;
	int used = 0;

	if (sscanf(text, "%2u:%2u%n", &h, &m, &used) != 2) {
		return false;
	}
	if (text[used] == ':') {
		int more = 0;

		if (sscanf(text + used, ":%2u%n", &s, &more) != 1) {
			return false;
		}
		used += more;
	}
	*out = h * 3600 + m * 60 + s;
	return text[used] == '\0' && h < 24 && m < 60 && s < 60;
}

static void take_daytime(struct rule_parser *p, bool is_stop)
{
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL && !read_daytime(text, is_stop ? &m->day_stop : &m->day_start)) {
		convert_refuse(p, "\"%.40s\" is not a time such as 08:00", text);
	}
}

static void opt_start(struct rule_parser *p)
{
	take_daytime(p, false);
}
static void opt_stop(struct rule_parser *p)
{
	take_daytime(p, true);
}

/* "2026-01-02", "2026-01-02T03", "2026-01-02T03:04" or "2026-01-02T03:04:05" */
static void take_date(struct rule_parser *p, bool is_stop)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
		                             "%Y-%m-%d" };
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text == NULL) {
		return;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end != NULL && *end == '\0') {
			*(is_stop ? &m->date_stop : &m->date_start) = timegm(&tm);
			return;
		}
	}
	convert_refuse(p, "\"%.40s\" is not a date such as 2026-01-02T03:04:05", text);
}

static void opt_date_start(struct rule_parser *p)
{
	take_date(p, false);
}
static void opt_date_stop(struct rule_parser *p)
{
	take_date(p, true);
}

static const struct convert_list_name days[] = {
	{ "mon", 1 },  { "tue", 2 },  { "wed", 4 }, { "thu", 8 }, { "fri", 16 },
	{ "sat", 32 }, { "sun", 64 }, { "1", 1 },   { "2", 2 },   { "3", 4 },
	{ "4", 8 },    { "5", 16 },   { "6", 32 },  { "7", 64 },
};

static void opt_weekdays(struct rule_parser *p)
{
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	char copy[CONVERT_LIST_SIZE];
	const char *unknown =
		text != NULL ? convert_read_list(text, days, sizeof(days) / sizeof(days[0]),
	                                         &m->keys, copy)
			     : NULL;

	if (unknown != NULL) {
		convert_refuse(p, "\"%.40s\" is not a day such as Mon", unknown);
	}
	if (m != NULL) {
		m->is_negated = p->is_negated;
	}
}

static void opt_kernel_zone(struct rule_parser *p)
{
	(void)last(p);
}

static const struct convert_option options[] = {
	{ "--timestart", opt_start, false },      { "--timestop", opt_stop, false },
	{ "--datestart", opt_date_start, false }, { "--datestop", opt_date_stop, false },
	{ "--weekdays", opt_weekdays, true },     { "--kerneltz", opt_kernel_zone, false },
	{ "--utc", opt_kernel_zone, false },
};

bool convert_time_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}

static bool is_utc(void)
{
	const time_t summer = 1782864000; /* 2026-07-01 */
	const time_t winter = 1767225600; /* 2026-01-01 */
	struct tm a;
	struct tm b;

	localtime_r(&summer, &a);
	localtime_r(&winter, &b);
	return a.tm_gmtoff == 0 && b.tm_gmtoff == 0;
}

static void put_daytime(FILE *f, const char *before, uint32_t s)
{
	fprintf(f, "%s\"%02u:%02u:%02u\"", before, s / 3600, s / 60 % 60, s % 60);
}

static void put_day_time(struct rule_parser *p, const struct convert_meter *m, FILE *f)
{
	const bool is_overnight = m->day_start >= m->day_stop;

	if (m->day_start == 0 && m->day_stop == DAY_S - 1) {
		return;
	}
	if (!convert_needs(p, CONSTRUCT_HOUR)) {
		return;
	}
	if (is_overnight && m->day_stop + 1 > m->day_start - 1) {
		/* every time of the day */
		return;
	}
	put_daytime(f, is_overnight ? "meta hour != " : "meta hour ",
	            is_overnight ? m->day_stop + 1 : m->day_start);
	put_daytime(f, "-", is_overnight ? m->day_start - 1 : m->day_stop);
	fputc(' ', f);
}

static void put_days(struct rule_parser *p, const struct convert_meter *m, FILE *f)
{
	static const char *const names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
		                             "Friday", "Saturday", "Sunday" };
	const char *between = "";

	if (m->keys == 0 || !convert_needs(p, CONSTRUCT_DAY)) {
		return;
	}
	fprintf(f, "meta day %s{ ", m->is_negated ? "!= " : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((m->keys & 1u << i) != 0) {
			fprintf(f, "%s\"%s\"", between, names[i]);
			between = ", ";
		}
	}
	fputs(" } ", f);
}

static void put_date(struct rule_parser *p, const char *op, int64_t seconds, FILE *f)
{
	const time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (convert_needs(p, CONSTRUCT_TIME) && gmtime_r(&t, &tm) != NULL) {
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		fprintf(f, "meta time %s \"%s\" ", op, text);
	}
}

void convert_time_put(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	const bool has_date = m->date_start > 0 || m->date_stop < INT32_MAX;

	if (!is_utc() &&
	    (has_date || m->keys != 0 || m->day_start != 0 || m->day_stop != DAY_S - 1)) {
		convert_refuse(p,
		               "-m time has UTC, finwall the local time: write it with meta hour, "
		               "meta day and meta time");
		return;
	}
	if (m->date_start > 0) {
		put_date(p, ">=", m->date_start, f);
	}
	if (m->date_stop < INT32_MAX) {
		/* the last second belongs to it */
		put_date(p, "<", m->date_stop + 1, f);
	}
	put_day_time(p, m, f);
	put_days(p, m, f);
}
