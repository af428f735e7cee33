/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings blocks: one interface for two tables of rows, the engine's tunables and the daemon's
 * settings.
 */
#ifndef FINWALL_POLICY_SETTINGS_H
#define FINWALL_POLICY_SETTINGS_H

#include "tree.h"

/* Sets everything to its default. */
void settings_init(struct settings *s);

/* One `name value` of a block: words, a list of at least one. Reports errors by config_error(). */
void settings_apply(struct config *c, const char *block, const struct value *words);

/* Returns whether there is such a block; otherwise reports an error with all names. */
bool settings_open_block(struct config *c, struct loc loc, const char *block);

/* Checks settings against each other. */
void settings_check(struct config *c);

/* Settings as a settings block; nothing if there are none to print. */
enum settings_which {
	SETTINGS_CHANGED, /* those that differ from their defaults */
	SETTINGS_ALL,
};
void settings_print(struct text *t, const struct config *c, enum settings_which which);

#endif
