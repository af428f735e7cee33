/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The match recent: lists of addresses with the times at which they were seen.
 *
 * A list becomes one set for each number of seconds that rules check: an element expires that long
 * after it was last added, so that membership means "seen within so many seconds". --set adds to
 * all sets of the list, which are known only when all rules are read: placeholders stand for them
 * until the rules are written.
 *
 * --hitcount becomes a limit in the elements of a set of its own. --set adds a time for every
 * packet and the check counts them, so that a limit counts the same packets if both rules match the
 * same.
 */
#include "iptables/recent.h"

#include "iptables/rule.h"
#include "iptables/sets.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIST "DEFAULT"

#define DAY_S 86400u

static struct convert_meter *last(struct rule_parser *p)
{
	return convert_meter_last(p, METER_RECENT);
}

static void take_action(struct rule_parser *p, int action)
{
	struct convert_meter *m = last(p);

	if (m == NULL) {
		return;
	}
	if (m->action != RECENT_NONE) {
		convert_refuse(p, "more than one of --set, --rcheck, --update and --remove");
	}
	m->action = action;
	m->is_negated = p->is_negated;
}

static void opt_set(struct rule_parser *p)
{
	take_action(p, RECENT_SET);
}
static void opt_check(struct rule_parser *p)
{
	take_action(p, RECENT_CHECK);
}
static void opt_update(struct rule_parser *p)
{
	take_action(p, RECENT_UPDATE);
}
static void opt_remove(struct rule_parser *p)
{
	take_action(p, RECENT_REMOVE);
}

static void opt_name(struct rule_parser *p)
{
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;

	if (text != NULL) {
		free(m->name);
		m->name = strdup(text);
	}
}

static void take_number(struct rule_parser *p, size_t offset)
{
	struct convert_meter *m = last(p);
	const char *text = m != NULL ? convert_argument(p) : NULL;
	uint32_t number;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, UINT32_MAX, &number) || number == 0) {
		convert_refuse(p, "\"%.40s\" is not a number above 0", text);
		return;
	}
	memcpy((char *)m + offset, &number, sizeof(number));
}

static void opt_seconds(struct rule_parser *p)
{
	take_number(p, offsetof(struct convert_meter, seconds));
}
static void opt_hits(struct rule_parser *p)
{
	take_number(p, offsetof(struct convert_meter, hits));
}

static void opt_source(struct rule_parser *p)
{
	struct convert_meter *m = last(p);

	if (m != NULL) {
		m->is_of_destination = false;
	}
}

static void opt_destination(struct rule_parser *p)
{
	struct convert_meter *m = last(p);

	if (m != NULL) {
		m->is_of_destination = true;
	}
}

/* Only the mask of a single address. */
static void opt_mask(struct rule_parser *p)
{
	const char *text = convert_argument(p);

	if (text != NULL && strcmp(text, "255.255.255.255") != 0 &&
	    strcmp(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") != 0) {
		convert_refuse(p,
		               "recent is converted for single addresses, not for networks "
		               "(--mask %.50s)",
		               text);
	}
}

static void opt_reap(struct rule_parser *p)
{
	/* elements expire by themselves */
	(void)last(p);
}

static void opt_ttl(struct rule_parser *p)
{
	p->note = "--rttl is left out: packets with another TTL count too";
}

static const struct convert_option options[] = {
	{ "--set", opt_set, false },           { "--rcheck", opt_check, true },
	{ "--update", opt_update, false },     { "--remove", opt_remove, false },
	{ "--name", opt_name, false },         { "--seconds", opt_seconds, false },
	{ "--hitcount", opt_hits, false },     { "--rsource", opt_source, false },
	{ "--rdest", opt_destination, false }, { "--mask", opt_mask, false },
	{ "--reap", opt_reap, false },         { "--rttl", opt_ttl, false },
};

bool convert_recent_option(struct rule_parser *p, const char *option)
{
	size_t i = 0;

	while (i < p->meters_len && p->meter[i].kind != METER_RECENT) {
		i++;
	}
	return i < p->meters_len &&
	       convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}

/* The set of a list for so many seconds; hits: of its limit, or 0. */
static const struct convert_set *list_set(struct rule_parser *p, const struct convert_meter *m,
                                          uint32_t hits)
{
	char default_list[] = DEFAULT_LIST;
	char type4[] = "ipv4_addr";
	char type6[] = "ipv6_addr";
	char *list = m->name != NULL ? m->name : default_list;
	struct convert_set set = { .seconds = m->seconds,
		                   .is_dynamic = hits > 0,
		                   .is_added_to = true };
	const struct convert_set *added;
	char seconds[16] = "";

	if (m->seconds != 0) {
		snprintf(seconds, sizeof(seconds), "_%us", m->seconds);
	}
	set.type = p->family == CONVERT_IP ? type4 : type6;
	set.name = hits > 0 ? convert_text("recent_%s%s_%u", list, seconds, hits)
	                    : convert_text("recent_%s%s", list, seconds);
	set.list = list;
	added = set.name != NULL ? convert_set_add(p->sets, &set) : NULL;
	if (added == NULL) {
		convert_refuse(p, "a list of recent cannot have the name of another set");
	}
	free(set.name);
	return added;
}

static const char *field(const struct rule_parser *p, const struct convert_meter *m)
{
	return p->family == CONVERT_IP ? (m->is_of_destination ? "ip daddr" : "ip saddr")
	                               : (m->is_of_destination ? "ip6 daddr" : "ip6 saddr");
}

static void put_hits(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	const struct convert_set *set;

	if (m->seconds == 0 || m->is_negated || p->hits.number != 0) {
		convert_refuse(p,
		               "--hitcount is converted only with --seconds, once in a rule, and "
		               "without \"!\"; write -m hashlimit instead");
		return;
	}
	if (!convert_needs(p, CONSTRUCT_SET_LIMIT)) {
		return;
	}
	set = list_set(p, m, m->hits);
	if (set == NULL) {
		return;
	}
	p->hits.list = set->list;
	p->hits.number = m->hits;
	p->hits.seconds = m->seconds;
	fprintf(f, "update @%s { %s %c } ", set->new_name, field(p, m), CONVERT_HITS);
	if (m->action == RECENT_UPDATE) {
		fprintf(f, "%c%c%s%c ", CONVERT_LIST_UPDATE, m->is_of_destination ? 'd' : 's',
		        m->name != NULL ? m->name : DEFAULT_LIST, CONVERT_LIST_UPDATE);
	}
}

void convert_recent_put(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	const char *list = m->name != NULL ? m->name : DEFAULT_LIST;
	const char side = m->is_of_destination ? 'd' : 's';
	const struct convert_set *set;

	if (m->action == RECENT_NONE) {
		convert_refuse(p, "recent without --set, --rcheck, --update or --remove");
		return;
	}
	if (!convert_needs(p, CONSTRUCT_SET_TIMEOUT)) {
		return;
	}
	if (m->action == RECENT_SET) {
		fprintf(f, "%c%c%s%c ", CONVERT_LIST_SET, side, list, CONVERT_LIST_SET);
		return;
	}
	if (m->action == RECENT_REMOVE) {
		if (convert_needs(p, CONSTRUCT_SET_DELETE) && (set = list_set(p, m, 0)) != NULL) {
			fprintf(f, "%s @%s %c%c%s%c ", field(p, m), set->new_name,
			        CONVERT_LIST_DELETE, side, list, CONVERT_LIST_DELETE);
		}
		return;
	}
	if (m->hits > 1) {
		put_hits(p, m, f);
		return;
	}
	set = list_set(p, m, 0);
	if (set == NULL) {
		return;
	}
	fprintf(f, "%s %s@%s ", field(p, m), m->is_negated ? "!= " : "", set->new_name);
	if (m->action == RECENT_UPDATE) {
		fprintf(f, "%c%c%s%c ", CONVERT_LIST_UPDATE, side, list, CONVERT_LIST_UPDATE);
	}
}

/* Copies the matches without what recent added to them. */
static char *matches_of_others(const struct convert_rule *r)
{
	char *copy = strdup(r->matches);
	char *to = copy;

	for (const char *at = r->matches; copy != NULL && *at != '\0'; at++) {
		if (*at == CONVERT_LIST_SET || *at == CONVERT_LIST_UPDATE) {
			at = strchrnul(at + 1, *at);
			at += at[0] != '\0' && at[1] == ' ' ? 1 : 0;
			if (*at == '\0') {
				break;
			}
			continue;
		}
		if (strncmp(at, "update @recent_", 15) == 0) {
			at = strchrnul(at, '}');
			at += at[0] != '\0' && at[1] == ' ' ? 1 : 0;
			if (*at == '\0') {
				break;
			}
			continue;
		}
		*to++ = *at;
	}
	if (copy != NULL) {
		while (to > copy && to[-1] == ' ') {
			to--;
		}
		*to = '\0';
	}
	return copy;
}

/* True if the rule has a --set of the list of the other rule's --hitcount. */
static bool sets_list_of(const struct convert_rule *r, const struct convert_rule *checks)
{
	const char *list = r->matches != NULL ? strchr(r->matches, CONVERT_LIST_SET) : NULL;
	const size_t size = strlen(checks->hits.list);

	/* the placeholder, 's' or 'd', the name, the placeholder */
	return list != NULL && strncmp(list + 2, checks->hits.list, size) == 0 &&
	       list[2 + size] == CONVERT_LIST_SET;
}

static bool is_same_source(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

/*
 * The packets that a limit lets pass before the check matches: one less than the number of hits if
 * the present packet was added before the check. 0: no --set with the same matches.
 */
static uint32_t find_burst(const struct convert_chain *c, size_t at)
{
	const struct convert_rule *checks = &c->rules[at];
	char *own = matches_of_others(checks);
	uint32_t burst = 0;

	for (size_t i = 0; own != NULL && i < c->rules_len && burst == 0; i++) {
		const struct convert_rule *r = &c->rules[i];
		char *others;

		if (r->refused != NULL || !sets_list_of(r, checks) ||
		    !is_same_source(r->source, checks->source)) {
			continue;
		}
		others = matches_of_others(r);
		if (others != NULL && strcmp(others, own) == 0) {
			burst = checks->hits.number - (i < at ? 1 : 0);
		}
		free(others);
	}
	free(own);
	return burst;
}

void convert_recent_resolve(struct convert *cv, struct convert_chain *c)
{
	for (size_t i = 0; i < c->rules_len; i++) {
		struct convert_rule *r = &c->rules[i];

		if (r->hits.number == 0) {
			continue;
		}
		r->hits.burst = find_burst(c, i);
		if (r->hits.burst == 0) {
			convert_rule_refuse(cv, r,
			                    "--hitcount without a --set of the same list and with "
			                    "the same matches in its chain; write -m hashlimit");
			continue;
		}
		convert_note(cv, r->file, r->line,
		             "--hitcount %u becomes a rate: %u packets at once, then %u in %u s",
		             r->hits.number, r->hits.burst, r->hits.burst, r->hits.seconds);
	}
}

/* The rate in the smallest unit in which it is a whole number. */
void convert_recent_write_limit(const struct convert_hits *hits, FILE *f)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", DAY_S } };
	size_t i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) &&
	       (uint64_t)hits->burst * units[i].seconds % hits->seconds != 0) {
		i++;
	}
	fprintf(f, "limit rate over %u/%s burst %u packets",
	        (unsigned)((uint64_t)hits->burst * units[i].seconds / hits->seconds) > 0
	                ? (unsigned)((uint64_t)hits->burst * units[i].seconds / hits->seconds)
	                : 1,
	        units[i].name, hits->burst);
}
