/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions about connections: fields of a direction, objects of `ct timeout`.
 */
#include "build.h"
#include "suggest.h"
#include "words.h"

#include <string.h>

const struct selector *build_ct_selector(struct parser *p, struct loc loc, const char *direction,
                                         const char *header, const char *name)
{
	struct text full = { .arena = &p->config->arena };
	bool is_addr = strcmp(name, "saddr") == 0 || strcmp(name, "daddr") == 0;

	if (strcmp(name, "l3proto") == 0 || strcmp(name, "protocol") == 0) {
		return build_selector(p, loc, "ct", name); /* of both directions */
	}
	if (is_addr && header == NULL && p->table != NULL && p->table->family != TABLE_INET) {
		header = table_families[p->table->family];
	}
	if (is_addr && header == NULL) {
		config_error(p->config, loc, "an address of unknown family, expected ct %s ip %s",
		             direction, name);
		p->is_recovering = true;
		return NULL;
	}
	text_add(&full, "%s %s%s%s", direction, header != NULL ? header : "",
	         header != NULL ? " " : "", name);
	return build_selector(p, loc, "ct", full.at);
}

struct stmt *build_timeouts(struct parser *p, struct loc loc, const char *header, const char *name)
{
	struct stmt *s = build_stmt(p, loc, STMT_TIMEOUTS);

	if (strcmp(header, "ct") != 0) {
		config_error(p->config, loc, "%s has no timeout, expected ct timeout set", header);
	}
	s->counter.name = name;
	return s;
}

/* `protocol tcp`, `l3proto ip` of an object of `ct timeout`. */
void build_timeouts_property(struct parser *p, struct loc loc, const char *what,
                             struct loc value_loc, const char *value)
{
	static const struct symbol families[] = {
		{ "ip", 4 }, { "ip6", 6 }, { "inet", 0 }, { NULL, 0 }
	};
	static const struct symbol protos[] = { { "tcp", IPPROTO_NR_TCP },
		                                { "udp", IPPROTO_NR_UDP },
		                                { NULL, 0 } };
	bool is_proto = strcmp(what, "protocol") == 0;
	struct ct_timeouts *t = &p->object->timeouts;
	const struct symbol *found;

	if (p->object->kind != OBJECT_TIMEOUTS || (!is_proto && strcmp(what, "l3proto") != 0)) {
		config_error(p->config, loc, "unknown property \"%.64s\", expected %s", what,
		             p->object->kind == OBJECT_TIMEOUTS ? "protocol, l3proto or policy"
		             : p->object->kind == OBJECT_LIMIT  ? "rate"
		                                                : "packets and bytes");
		return;
	}
	found = symbol_find(is_proto ? protos : families, value, strlen(value));
	if (found == NULL) {
		config_error(p->config, value_loc, "unknown %s \"%.64s\", expected %s", what, value,
		             is_proto ? "tcp or udp" : "ip, ip6 or inet");
	} else if (is_proto) {
		t->l4_proto = (uint8_t)found->value;
	} else {
		t->family = (uint8_t)found->value;
		t->has_family = true;
	}
}

/* One of `policy = { established : 2h, close : 10s }`. */
void build_timeouts_value(struct parser *p, struct loc loc, const char *state, uint64_t ms)
{
	struct ct_timeouts *t = &p->object->timeouts;
	const char *const *words = timeout_words(t->l4_proto);
	unsigned nr = 0;

	if (words == NULL) {
		config_error(p->config, loc,
		             "a policy before its protocol, expected protocol tcp or udp");
		return;
	}
	while (words[nr] != NULL && strcmp(words[nr], state) != 0) {
		nr++;
	}
	if (words[nr] == NULL) {
		struct suggest similar = { .text = state };

		for (nr = 0; words[nr] != NULL; nr++) {
			suggest_consider(&similar, words[nr]);
		}
		config_error(p->config, loc, "unknown state \"%.64s\", expected %s%s", state,
		             suggest_list(&similar, &p->config->arena),
		             suggest_question(&similar, &p->config->arena));
		return;
	}
	if (ms < 1000 || ms / 1000 > UINT32_MAX) {
		config_error(p->config, loc,
		             "the timeout is out of range, expected 1 to 4294967295 seconds");
		return;
	}
	t->given |= 1u << nr;
	t->ms[nr] = ms;
}
