/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of a chain as text: see cut_rules.h. */
#include "cut_rules.h"

#include <stdint.h>
#include <string.h>

/* Of the words below. */
#define WORD_MAX 12

/* Words with a meaning of their own. */
static const struct {
	const char *word;
	uint16_t has;
} words[] = {
	{ "drop", HAS_DROP | HAS_VERDICT },
	{ "reject", HAS_DROP | HAS_VERDICT },
	{ "queue", HAS_DROP | HAS_OTHER },
	{ "accept", HAS_VERDICT },
	{ "jump", HAS_JUMP },
	{ "goto", HAS_JUMP },
	{ "vmap", HAS_JUMP },
	{ "continue", HAS_JUMP },
	{ "log", HAS_LOG },
	{ "limit", HAS_LIMIT },
	{ "quota", HAS_OTHER },
	{ "count", HAS_OTHER },
	{ "meter", HAS_OTHER | HAS_STATE },
	{ "add", HAS_OTHER | HAS_STATE },
	{ "update", HAS_OTHER | HAS_STATE },
	{ "delete", HAS_OTHER | HAS_STATE },
	{ "name", HAS_OTHER },
	{ "numgen", HAS_OTHER },
	{ "last", HAS_OTHER },
	{ "notrack", HAS_OTHER | HAS_STATE },
	{ "flow", HAS_OTHER },
	{ "dup", HAS_OTHER },
	{ "fwd", HAS_OTHER },
	{ "synproxy", HAS_OTHER | HAS_DROP },
};

/* The word before "set", where only the kernel can set it. */
static const char *const effects[] = { "helper", "expectation", "secmark", "dscp",
	                               "ecn",    "size",        "ttl",     "hoplimit",
	                               "label",  "flowlabel",   "event",   "priority" };

/* What only rules of the kernel look up in a map. */
static const char *const kernel_data[] = { "ipv4_addr", "ipv6_addr", "inet_service", "ether_addr",
	                                   "secmark" };

static bool is(const char *at, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(at, word, size) == 0;
}

bool cut_is_effect(const char *name)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (strcmp(name, effects[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* "set" behind the last word: of the kernel, or with a meaning for finwall's rules, too. */
static uint16_t set_has(const struct cut_rules *r)
{
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (r->last != NULL && is(r->last, r->last_size, effects[i])) {
			return HAS_EFFECT;
		}
	}
	return HAS_OTHER | HAS_STATE;
}

static bool is_kernel_data(const struct cut_rules *r, const struct cut_text *t)
{
	if (r->last == NULL || *r->last != ':') {
		return false;
	}
	for (size_t i = 0; i < sizeof(kernel_data) / sizeof(kernel_data[0]); i++) {
		if (cut_is(t, kernel_data[i])) {
			return true;
		}
	}
	return false;
}

/* Behind jump and goto. */
static bool is_chain_name(const struct cut_rules *r)
{
	return r->last != NULL &&
	       (is(r->last, r->last_size, "jump") || is(r->last, r->last_size, "goto"));
}

/* Matches that only the kernel knows, and what is before their last word. */
static const struct {
	const char *before;
	const char *word;
} kernel_matches[] = {
	{ "meta", "cgroup" },     { "meta", "rtclassid" },  { "meta", "secmark" },
	{ "meta", "iifkind" },    { "meta", "oifkind" },    { "meta", "sdif" },
	{ "meta", "ipsec" },      { "socket", "mark" },     { "socket", "transparent" },
	{ "socket", "wildcard" }, { "socket", "cgroupv2" }, { "ipsec", "in" },
	{ "ipsec", "out" },       { "osf", "name" },        { "osf", "version" },
	{ "osf", "ttl" },         { "rt", "classid" },      { "rt", "nexthop" },
	{ "ip", "nexthop" },      { "ip6", "nexthop" },     { "rt", "mtu" },
	{ "rt", "ipsec" },        { "ether", "daddr" },     { "ct", "helper" },
	{ "ct", "label" },        { "ct", "id" },
};

/* True if this word is at a place of the text. */
static bool begins_with(const char *at, const char *word)
{
	size_t size = strlen(word);

	return at != NULL && strncmp(at, word, size) == 0 && strchr(" \t", at[size]) != NULL;
}

/*
 * True at the token behind such a match, which is the last word: "ct helper set" and "size set rt
 * mtu" are none.
 */
static bool is_behind_kernel_match(const struct cut_rules *r, const struct cut_text *t)
{
	if (r->last == NULL || r->before_last == NULL || cut_is(t, "set") ||
	    begins_with(r->before_before, "set")) {
		return false;
	}
	for (size_t i = 0; i < sizeof(kernel_matches) / sizeof(kernel_matches[0]); i++) {
		if (is(r->last, r->last_size, kernel_matches[i].word) &&
		    begins_with(r->before_last, kernel_matches[i].before)) {
			return true;
		}
	}
	return false;
}

static uint16_t word_has(const struct cut_rules *r, const struct cut_text *t)
{
	/* not for each element of a long list */
	if (t->size > WORD_MAX || *t->at < 'a' || *t->at > 'z' || is_chain_name(r)) {
		return 0;
	}
	if (cut_is(t, "set")) {
		return set_has(r);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (cut_is(t, words[i].word)) {
			return words[i].has;
		}
	}
	return is_kernel_data(r, t) ? HAS_KERNEL_DATA : 0;
}

static struct cut_rule *current(const struct cut_rules *r)
{
	struct cut_rule *list = r->list.items;

	return r->is_in_rule ? &list[r->list.len - 1] : NULL;
}

static void begin(struct cut_rules *r, struct arena *a, const struct cut_text *t,
                  const void *references)
{
	struct cut_rule *rule = vec_add(a, &r->list, sizeof(*rule));

	rule->at = t->token == CUT_STRING ? t->at - 1 : t->at;
	rule->references_before = references;
	if (cut_is(t, "type")) {
		rule->has = HAS_SPEC | HAS_HOOK;
	} else if (cut_is(t, "policy") || cut_is(t, "comment") || cut_is(t, "flags")) {
		rule->has = HAS_SPEC;
	}
	r->is_in_rule = true;
	r->last = NULL;
	r->before_last = r->before_before = NULL;
}

/* Finds the end of a log statement, which has no mark of its own. */
static void follow_log(struct cut_rules *r, struct cut_rule *rule, const struct cut_text *t)
{
	static const char *const options[] = { "prefix", "level", "group", "snaplen",
		                               "queue-threshold" };
	static const char *const flags[] = { "all",     "tcp",   "ip",   "sequence",
		                             "options", "skuid", "ether" };

	if (r->log == LOG_VALUE) {
		r->log = LOG_OPTION;
		return;
	}
	if (cut_is(t, "flags")) {
		r->log = LOG_FLAGS;
		return;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (cut_is(t, options[i])) {
			r->log = LOG_VALUE;
			return;
		}
	}
	if (r->log == LOG_FLAGS && t->token == CUT_OTHER && *t->at == ',') {
		return;
	}
	for (size_t i = 0; r->log == LOG_FLAGS && i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (cut_is(t, flags[i])) {
			return;
		}
	}
	r->log = LOG_NONE;
	rule->log_end = t->token == CUT_STRING ? t->at - 1 : t->at;
}

/* The last word is an address or a port. */
static bool is_end_of(const struct cut_rules *r)
{
	static const char *const fields[] = { "saddr", "daddr", "sport", "dport" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (r->last != NULL && is(r->last, r->last_size, fields[i])) {
			return true;
		}
	}
	return false;
}

/* Notes what has to be written otherwise for the kernel, or left out for finwall. */
static void note_places(struct cut_rules *r, struct arena *a, struct cut_rule *rule,
                        const struct cut_text *t, unsigned depth)
{
	if (cut_is(t, "drop")) {
		*(char **)vec_add(a, &rule->drops, sizeof(char *)) = t->at;
	} else if (cut_is(t, "reject")) {
		rule->reject = t->at;
		rule->has |= depth > 1 ? HAS_OTHER : 0;
	} else if (cut_is(t, "set") && depth == 1 && rule->write_at == NULL && is_end_of(r)) {
		rule->write_at = r->before_last;
	} else if (cut_is(t, "log")) {
		/* one, and not in a chain without a name */
		rule->has |= depth > 1 || rule->log_at != NULL ? HAS_OTHER : 0;
		rule->log_at = t->at;
		r->log = LOG_OPTION;
	}
}

static void note_kernel_match(struct cut_rules *r, const struct cut_text *t)
{
	if (r->kernel_match == NULL) {
		r->kernel_match = r->before_last;
		r->kernel_match_size = (size_t)(r->last + r->last_size - r->before_last);
		r->kernel_match_line = t->line;
		r->kernel_match_path = t->path;
	}
}

static void end_rule(struct cut_rules *r, struct cut_rule *rule, const struct cut_text *t,
                     const void *references)
{
	if (rule != NULL) {
		rule->end = t->at;
		rule->references_after = references;
		rule->log_end = r->log != LOG_NONE ? t->at : rule->log_end;
	}
	r->log = LOG_NONE;
	r->is_in_rule = false;
	r->last = NULL;
	r->before_last = r->before_before = NULL;
}

void cut_rules_token(struct cut_rules *r, struct arena *a, const struct cut_text *t, unsigned depth,
                     const void *references)
{
	const bool is_end = t->token == CUT_SEPARATOR || t->token == CUT_CLOSE;
	struct cut_rule *rule = current(r);
	uint16_t has;

	if (is_end && depth <= 1) {
		end_rule(r, rule, t, references);
		return;
	}
	if (depth == 1 && rule == NULL) {
		begin(r, a, t, references);
		rule = current(r);
	}
	if ((rule == NULL || (rule->has & HAS_SPEC) == 0) && is_behind_kernel_match(r, t)) {
		r->has |= HAS_KERNEL_MATCH;
		note_kernel_match(r, t);
	}
	if (rule != NULL && r->log != LOG_NONE) {
		follow_log(r, rule, t);
	}
	if (t->token != CUT_WORD) {
		r->last = t->token == CUT_OTHER ? t->at : NULL;
		r->last_size = 1;
		return;
	}
	has = word_has(r, t);
	r->has |= has;
	if (rule != NULL && (rule->has & HAS_SPEC) == 0 && has != 0) {
		rule->has |= has;
		note_places(r, a, rule, t, depth);
	}
	r->before_before = r->before_last;
	r->before_last = (char *)(uintptr_t)r->last;
	r->last = t->at;
	r->last_size = t->size;
}

bool cut_rule_is_only_kernel(const struct cut_rule *rule)
{
	return (rule->has & HAS_EFFECT) != 0 &&
	       (rule->has & (HAS_VERDICT | HAS_OTHER | HAS_JUMP | HAS_LOG | HAS_LIMIT)) == 0;
}

static const struct cut_rule *last_rule(const struct cut_rules *r, enum cut_part part)
{
	const struct cut_rule *list = r->list.items;
	const struct cut_rule *last = NULL;

	for (size_t i = 0; i < r->list.len; i++) {
		if (part == CUT_ALL || (list[i].has & HAS_EFFECT) != 0) {
			last = &list[i];
		}
	}
	return last;
}

bool cut_rules_can(const struct cut_rules *r, enum cut_part part)
{
	const uint16_t barred =
		part == CUT_ALL ? HAS_OTHER : HAS_OTHER | HAS_JUMP | HAS_LOG | HAS_LIMIT;
	const struct cut_rule *last = last_rule(r, part);
	bool can = !r->is_in_rule && (part == CUT_ALL || last != NULL);

	for (const struct cut_rule *i = r->list.items; can && last != NULL && i <= last; i++) {
		can = (i->has & HAS_EFFECT) != 0 ? cut_rule_is_only_kernel(i)
		                                 : (i->has & barred) == 0;
	}
	return can;
}

bool cut_rule_is_kernel(const struct cut_rules *r, const struct cut_rule *rule, enum cut_part part)
{
	return (rule->has & HAS_SPEC) != 0 ? (rule->has & HAS_HOOK) != 0
	                                   : rule <= last_rule(r, part);
}

static bool is_blank(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) != NULL) {
		at++;
	}
	return at == end;
}

/* Accepts what finwall drops, and does not log. */
static void write_rule(const struct cut_rule *rule, struct text *out)
{
	char *const *drop = rule->drops.items;
	size_t drop_nr = 0;
	const char *end = rule->reject != NULL ? rule->reject : rule->end;
	const char *at = rule->at;

	if (rule->log_at != NULL && is_blank(rule->at, rule->log_at) &&
	    is_blank(rule->log_end, rule->end)) {
		return;
	}
	while (end > at && strchr(" \t\r\n", end[-1]) != NULL) {
		end--;
	}
	text_add(out, "\t\t");
	while (at < end) {
		const char *next =
			drop_nr < rule->drops.len && drop[drop_nr] < end ? drop[drop_nr] : end;
		bool is_log = rule->log_at != NULL && rule->log_at >= at && rule->log_at < next;

		next = is_log ? rule->log_at : next;
		text_add(out, "%.*s", (int)(next - at), at);
		at = next;
		if (is_log) {
			at = rule->log_end < end ? rule->log_end : end;
		} else if (at < end) {
			text_add(out, "accept");
			at += sizeof("drop") - 1;
			drop_nr++;
		}
	}
	text_add(out, "%s\n", rule->reject == NULL ? "" : end > rule->at ? " accept" : "accept");
}

void cut_rules_write(const struct cut_rules *r, enum cut_part part, struct text *out,
                     const char *name)
{
	const struct cut_rule *list = r->list.items;

	text_add(out, "\tchain %s {\n", name);
	for (size_t i = 0; i < r->list.len; i++) {
		if (cut_rule_is_kernel(r, &list[i], part)) {
			write_rule(&list[i], out);
		}
	}
	text_add(out, "\t}\n");
}
