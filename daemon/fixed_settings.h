/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that a reload cannot change.
 */
#ifndef FINWALL_FIXED_SETTINGS_H
#define FINWALL_FIXED_SETTINGS_H

#include <finwall/config.h>

struct log;

/* Logs a warning for each of them that differs between the settings at the start and new ones. */
void fixed_settings_check(const struct settings *at_start, const struct settings *fresh,
                          const char *config_path, struct log *log);

#endif
