/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change: those in force since the start, and those of the hook
 * rules.
 */
#ifndef FINWALL_FIXED_SETTINGS_H
#define FINWALL_FIXED_SETTINGS_H

#include <finwall/config.h>

#include <stdio.h>

/* Of these settings, those whose value is text. */
#define FIXED_TEXTS_LEN 10

/* Sets the texts of *at_start, which belong to a configuration, to copies, which are the caller's,
 * in texts. One that is not set stays NULL. Returns -ENOMEM. */
int fixed_settings_keep(struct settings *at_start, char *texts[static FIXED_TEXTS_LEN]);

/* Writes a line for each of them that differs between the settings at the start and new ones. */
void fixed_settings_check(const struct settings *at_start, const struct settings *fresh, FILE *to);

/* Writes a line for each setting that only the next hook rules have. */
void hook_settings_check(const struct settings *old, const struct settings *fresh, FILE *to);

#endif
