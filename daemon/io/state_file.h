/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced as a whole or not at all, written bit by bit; and reading one back.
 *
 * Main thread only. Knows nothing of what is in it, but that its header is known last.
 */
#ifndef FINWALL_IO_STATE_FILE_H
#define FINWALL_IO_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct state_file;

/*
 * Begins to write what is to replace path: beside it, as "path.new", for its owner alone, with
 * header_size bytes left out at its beginning. A missing last directory is made. Returns 0/-errno.
 */
int state_file_begin(const char *path, size_t header_size, struct state_file **out);

/* Adds bytes. Returns 0/-errno; after an error only state_file_abort() makes sense. */
int state_file_add(struct state_file *f, const uint8_t *bytes, size_t size);

/*
 * Writes the header, waits until all of it is on the disk, and replaces path. Releases f, whether
 * or not that works: on an error the old file is as it was. Returns 0/-errno.
 */
int state_file_commit(struct state_file *f, const uint8_t *header);

/* Gives it up; NULL is fine. */
void state_file_abort(struct state_file *f);

/* A whole file in memory. */
struct state_view {
	uint8_t *bytes;
	size_t size;
};

/* Returns 0/-errno: -ENOENT when there is none, -EINVAL when it is no regular file. */
int state_view_open(const char *path, struct state_view *out);
void state_view_close(struct state_view *v);

/* Renames it to "path.bad", replacing an older one. Returns 0/-errno. */
int state_file_set_aside(const char *path);

#endif
