/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file beside the control socket that records that the hook rules were removed by command, so
 * that finwall hook watch does not install them again.
 */
#ifndef FINWALL_CLI_HOOK_MARK_DOWN_H
#define FINWALL_CLI_HOOK_MARK_DOWN_H

#include <stdbool.h>

/* Failures are ignored: without the directory there is no daemon and nothing to watch. */
void hook_mark_set(const char *socket_path);
void hook_mark_clear(const char *socket_path);

bool hook_mark_is_set(const char *socket_path);

#endif
