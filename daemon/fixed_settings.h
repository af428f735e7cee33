/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change: those in force since the start, and those of the hook
 * rules.
 */
#ifndef FINWALL_FIXED_SETTINGS_H
#define FINWALL_FIXED_SETTINGS_H

#include <finwall/config.h>

#include <stdio.h>

/* Writes a line for each of them that differs between the settings at the start and new ones. */
void fixed_settings_check(const struct settings *at_start, const struct settings *fresh, FILE *to);

/* Writes a line for each setting that only the next hook rules have. */
void hook_settings_check(const struct settings *old, const struct settings *fresh, FILE *to);

#endif
