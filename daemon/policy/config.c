/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: read, parse, check; all or nothing. Errors are gathered in the configuration's arena and
 * handed out as one text.
 */
#include <finwall/config.h>

#include "live_set.h"
#include "parser.h"
#include "settings.h"

#include "parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int scan_lex_init_extra(struct parser *p, void **scanner);

const char *const table_families[] = { "inet", "ip", "ip6" };

const char *const log_levels[] = { "emerg",  "alert", "crit",  "err", "warn",
	                           "notice", "info",  "debug", NULL };

const struct answer_info answer_table[ANSWERS_LEN] = {
	[ANSWER_ACCEPT] = { "accept", CHAIN_FILTER, RULE_ACCEPT },
	[ANSWER_DROP] = { "drop", CHAIN_FILTER, RULE_DROP },
	[ANSWER_REJECT] = { "reject", CHAIN_FILTER, RULE_REJECT },
	[ANSWER_STRICT] = { "strict", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_STRICT },
	[ANSWER_REMEMBERED] = { "remembered", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_REMEMBERED },
	[ANSWER_PICKUP] = { "pickup", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_PICKUP },
	[ANSWER_LENIENT] = { "lenient", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_LENIENT },
	[ANSWER_FORGET] = { "forget", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_FORGET },
	[ANSWER_REMEMBER] = { "remember", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_REMEMBER },
	[ANSWER_RESET] = { "reset", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_RESET },
	[ANSWER_PROBE] = { "probe", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_PROBE },
};

const struct reject reject_table[] = {
	{ "icmp port-unreachable", REJECT_PORT_UNREACHABLE, 4, 0 },
	{ "icmp host-unreachable", REJECT_HOST_UNREACHABLE, 4, 0 },
	{ "icmp net-unreachable", REJECT_NET_UNREACHABLE, 4, 0 },
	{ "icmp admin-prohibited", REJECT_ADMIN_PROHIBITED, 4, 0 },
	{ "icmpv6 port-unreachable", REJECT_PORT_UNREACHABLE, 6, 0 },
	{ "icmpv6 addr-unreachable", REJECT_HOST_UNREACHABLE, 6, 0 },
	{ "icmpv6 no-route", REJECT_NET_UNREACHABLE, 6, 0 },
	{ "icmpv6 admin-prohibited", REJECT_ADMIN_PROHIBITED, 6, 0 },
	{ "icmpx port-unreachable", REJECT_PORT_UNREACHABLE, 0, 0 },
	{ "icmpx host-unreachable", REJECT_HOST_UNREACHABLE, 0, 0 },
	{ "icmpx no-route", REJECT_NET_UNREACHABLE, 0, 0 },
	{ "icmpx admin-prohibited", REJECT_ADMIN_PROHIBITED, 0, 0 },
	{ "tcp reset", REJECT_TCP_RESET, 0, IPPROTO_NR_TCP },
};

const size_t reject_table_len = sizeof(reject_table) / sizeof(reject_table[0]);

/* What one config_load() works on. */
struct load {
	struct parser parser;
	const char *path;
};

static void load(void *ctx);

struct config *config_load(const char *path, const struct config_reader *reader, char **errors)
{
	struct config *c = calloc(1, sizeof(*c));
	struct load l = { .parser = { .config = c, .reader = reader }, .path = path };
	bool has_memory;

	*errors = NULL;
	if (c == NULL) {
		return NULL;
	}
	has_memory = arena_run(&c->arena, load, &l);
	free(l.parser.loading);
	arena_fini(&c->reading);
	if (has_memory && c->errors_len == 0) {
		return c;
	}
	if (!has_memory &&
	    asprintf(errors, "%s:1:1: out of memory, expected a smaller file\n", path) < 0) {
		*errors = NULL;
	}
	if (has_memory) {
		*errors = strdup(c->errors.at);
	}
	config_free(c);
	return NULL;
}

void config_free(struct config *c)
{
	if (c == NULL) {
		return;
	}
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct set *s = t->sets; s != NULL; s = s->next) {
			live_set_put(s->live);
		}
	}
	arena_fini(&c->arena);
	free(c);
}

const struct settings *config_settings(const struct config *c)
{
	return &c->settings;
}

const struct tunables *config_tunables(const struct config *c)
{
	return &c->tunables;
}

const char *config_where(struct config *c, struct loc loc)
{
	struct text t = { .arena = &c->arena };

	text_add(&t, "%s:%u:%u", ((const char **)c->files.items)[loc.file], loc.line, loc.col);
	return t.at;
}

void config_error(struct config *c, struct loc loc, const char *fmt, ...)
{
	char what[1024];
	va_list args;

	if (c->errors_len >= ERRORS_MAX) {
		return;
	}
	c->errors_len++;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	text_add(&c->errors, "%s: %s\n", config_where(c, loc), what);
}

enum rule_code answer_code(enum answer answer, enum chain_kind kind)
{
	if (answer == ANSWER_REJECT && kind == CHAIN_CLOSE_LATE) {
		return RULE_LATE_FIRST + LATE_REJECT;
	}
	return answer_table[answer].code;
}

static void load(void *ctx)
{
	struct load *l = ctx;
	struct parser *p = &l->parser;
	struct config *c = p->config;

	c->reading.no_memory = c->arena.no_memory;
	c->errors.arena = &c->arena;
	c->tables_end = &c->tables;
	settings_init(&c->settings);
	tunables_init(&c->tunables);
	scan_lex_init_extra(p, &p->scanner);
	if (!scan_open(p, l->path, (struct loc){ 1, 1, 0 })) {
		return;
	}
	policy_parse(p);
	if (c->errors_len == 0) {
		config_check(c);
	}
}
