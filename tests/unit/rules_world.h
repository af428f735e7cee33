/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test world with rules from text, for tests of the effect of rules on connections.
 */
#ifndef FINWALL_TESTS_RULES_WORLD_H
#define FINWALL_TESTS_RULES_WORLD_H

#include "config_text.h"
#include "suite.h"
#include "world.h"

/* Replaces rules and settings, as a reload does. */
static inline void rules_load(struct world *w, const char *text)
{
	char *errors = NULL;
	struct config *c = config_text_load("test", text, &errors);

	ck_assert_msg(c != NULL, "%s", errors);
	ruleset_free(w->policy.rules);
	w->policy.rules = config_compile(c);
	ck_assert_ptr_nonnull(w->policy.rules);
	w->policy.tun = *config_tunables(c);
	config_free(c);
}

/* The same with these rules in an inet table's input chain with policy drop, after `before`. */
static inline void rules_load_input(struct world *w, const char *before, const char *body)
{
	char text[8192];

	snprintf(text, sizeof(text),
	         "table inet t {\n%s\nchain input {\ntype filter hook input priority filter; "
	         "policy drop;\n%s\n}\n}\n",
	         before, body);
	rules_load(w, text);
}

/* Frees the rules and ends the world. */
static inline void rules_fini(struct world *w)
{
	ruleset_free(w->policy.rules);
	w->policy.rules = NULL;
	world_fini(w);
}

#endif
