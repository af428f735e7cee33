/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced as a whole or not at all, written in steps; and reading one.
 *
 * One thread per file at a time. Knows nothing of the contents, except that the header is
 * written last.
 */
#ifndef FINWALL_IO_STATE_FILE_H
#define FINWALL_IO_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct state_file;

/*
 * Creates "PATH.new", mode 0600, which starts with header_size bytes for the header; makes the last
 * directory of the path if it is missing. Returns 0 with *out, or -errno.
 */
int state_file_begin(const char *path, size_t header_size, struct state_file **out);

/* Appends bytes. Returns 0/-errno; after an error call state_file_abort(). */
int state_file_add(struct state_file *f, const uint8_t *bytes, size_t size);

/*
 * Writes the header, syncs the file (blocks), and renames it to path. Frees f. Returns 0/-errno;
 * after an error the old file is unchanged.
 */
int state_file_commit(struct state_file *f, const uint8_t *header);

/* Removes the new file and frees f; NULL is fine. */
void state_file_abort(struct state_file *f);

/* A whole file in memory. */
struct state_view {
	uint8_t *bytes;
	size_t size;
};

/* Reads the file. Returns 0/-errno: -ENOENT without a file, -EINVAL when it is not regular. */
int state_view_open(const char *path, struct state_view *out);
void state_view_close(struct state_view *v);

/* Overwrites the header of a file in place, and syncs it. Returns 0/-errno. */
int state_file_set_header(const char *path, const uint8_t *header, size_t size);

/* Renames it to "PATH.bad", replacing an older one. Returns 0/-errno. */
int state_file_rename_bad(const char *path);

#endif
