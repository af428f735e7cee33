/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A periodic save in a thread of its own: a disk that hangs, in fsync(2) for instance, delays the
 * save and nothing else. Main thread only.
 */
#ifndef FINWALL_STATE_BACKGROUND_SAVE_H
#define FINWALL_STATE_BACKGROUND_SAVE_H

#include "save.h"
#include "sets_text.h"

#include <stdbool.h>

struct background_save;

/*
 * Starts a save to path, of kind SAVE_PERIODIC. e is borrowed until the save has ended. now,
 * wall: as for state_save_begin(). sets: complete, as of wall, and this function's; they are
 * written to the file beside path. Returns 0 with *out, or -errno.
 */
int background_save_start(const char *path, struct engine *e, struct sets_text *sets,
                          struct mono now, struct wall_time wall, struct background_save **out);

/*
 * Returns true when the save has ended; then *res is SAVE_DONE or -errno, and s is freed. Never
 * waits.
 */
bool background_save_has_ended(struct background_save *s, int *res);

/* Ends a save without replacing the file, unless it is past that, and frees s; NULL is fine. */
void background_save_stop(struct background_save *s);

#endif
