/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of records that grows up to a size, then becomes PATH.1, and a new one begins. A thread
 * writes (log_out.h): a disk that hangs delays nobody; records that it does not take are dropped
 * and counted. One thread calls.
 */
#ifndef FINWALL_IO_RECORD_FILE_H
#define FINWALL_IO_RECORD_FILE_H

#include <stddef.h>
#include <stdint.h>

struct record_file;

/*
 * Opens the file for appending, or makes it, readable by its owner and group. head: what an empty
 * one begins with; borrowed until the close, size 0 = nothing. Returns 0 with *out, or -errno:
 * -EINVAL if it is no regular file.
 */
int record_file_open(const char *path, const void *head, size_t head_size, uint64_t size_max,
                     struct record_file **out);

/* Appends a record. Never waits for what is written; a new file is opened in it. */
void record_file_put(struct record_file *f, const void *bytes, size_t size);

/* Returns how many records were dropped since the last call. */
uint64_t record_file_dropped(struct record_file *f);

/* Waits at most two seconds for the disk; NULL is fine. */
void record_file_close(struct record_file *f);

#endif
