/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The match connbytes: what a connection has carried.
 */
#include "iptables/rule.h"

#include "text/num.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static struct convert_meter *last(struct rule_parser *p)
{
	return convert_meter_last(p, METER_CONNBYTES);
}

/* "1000", "1000:", "1000:2000" */
static void opt_range(struct rule_parser *p)
{
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	const char *colon = text != NULL ? strchrnul(text, ':') : NULL;

	if (text == NULL) {
		return;
	}
	m->bytes_to = UINT64_MAX;
	m->is_negated = p->is_negated;
	if (!text_number_n(text, (size_t)(colon - text), 0, UINT64_MAX, &m->bytes_from) ||
	    (*colon == ':' && colon[1] != '\0' &&
	     !text_number(colon + 1, m->bytes_from, UINT64_MAX, &m->bytes_to))) {
		convert_refuse(p, "\"%.40s\" is not a range such as 1000:2000", text);
	}
}

/* Takes one of the words. Returns its number, or -1. */
static int take_word(struct rule_parser *p, const char *const *words)
{
	const char *text = convert_argument(p);

	for (int i = 0; text != NULL && words[i] != NULL; i++) {
		if (strcasecmp(words[i], text) == 0) {
			return i;
		}
	}
	if (text != NULL) {
		convert_refuse(p, "\"%.40s\" is not %s, %s or %s", text, words[0], words[1],
		               words[2]);
	}
	return -1;
}

static void opt_direction(struct rule_parser *p)
{
	static const char *const words[] = { "original", "reply", "both", NULL };
	static const char *const texts[] = { "original ", "reply ", "" };
	struct convert_meter *m = last(p);
	int nr = m != NULL ? take_word(p, words) : -1;

	if (nr >= 0) {
		m->direction = texts[nr];
	}
}

static void opt_mode(struct rule_parser *p)
{
	static const char *const words[] = { "packets", "bytes", "avgpkt", NULL };
	struct convert_meter *m = last(p);
	int nr = m != NULL ? take_word(p, words) : -1;

	if (nr >= 0) {
		m->mode = words[nr];
	}
}

static const struct convert_option options[] = {
	{ "--connbytes", opt_range, true },
	{ "--connbytes-dir", opt_direction, false },
	{ "--connbytes-mode", opt_mode, false },
};

bool convert_connbytes_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}

void convert_connbytes_put(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	if (m->direction == NULL || m->mode == NULL) {
		convert_refuse(p, "-m connbytes without --connbytes-dir and --connbytes-mode");
		return;
	}
	if (!convert_needs(p, CONSTRUCT_CT_BYTES)) {
		return;
	}
	fprintf(f, "ct %s%s ", m->direction, m->mode);
	if (m->bytes_to == UINT64_MAX) {
		fprintf(f, "%s %" PRIu64 " ", m->is_negated ? "<" : ">=", m->bytes_from);
	} else {
		fprintf(f, "%s%" PRIu64 "-%" PRIu64 " ", m->is_negated ? "!= " : "", m->bytes_from,
		        m->bytes_to);
	}
}
