/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the configuration again, its confirmation, and the return to the one before. Of the main
 * thread. The functions with a ctx are the control socket's callbacks; ctx is the struct daemon.
 */
#ifndef FINWALL_RELOAD_H
#define FINWALL_RELOAD_H

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct generation;

/*
 * What a generation needs before workers get it, and what it changes besides them: interface names
 * in its rules, the raw packet sender, the main thread's policy, the hooks to watch.
 */
void reload_put_in_force(struct daemon *d, struct generation *g);

/*
 * Replaces the configuration, or logs why not and leaves everything as it was. confirm_s: seconds
 * until the one before comes back, unless confirmed; 0 = never. Returns 0 or -errno; errors and
 * warnings are malloc'd lines or NULL.
 */
int reload_configuration(void *ctx, uint32_t confirm_s, char **errors, char **warnings);

/* Keeps the configuration in force. Returns false if none waits for it. */
bool reload_confirm(void *ctx);

/* Nanoseconds until the configuration before comes back; 0: none waits. */
int64_t reload_confirm_left(void *ctx);

/* Puts the configuration before in force again when its time is over. */
void reload_tick(struct daemon *d, struct mono now);

#endif
