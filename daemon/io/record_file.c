/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of records. See record_file.h. */
#include "record_file.h"

#include "log_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct record_file {
	char *path;
	char *older; /* PATH.1 */
	const void *head;
	size_t head_size;
	uint64_t size_max;
	uint64_t size; /* with what the thread has not written yet */
	uint64_t dropped;
	int fd;
	struct log_out *out; /* NULL: a new file could not be opened; all is dropped */
};

/* Opens the file and starts its thread. Returns 0/-errno. */
static int begin(struct record_file *f)
{
	struct stat st;
	int err;

	f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (f->fd < 0) {
		return -errno;
	}
	if (fstat(f->fd, &st) != 0) {
		err = -errno;
		goto close_fd;
	}
	f->out = log_out_new(f->fd, NULL);
	if (f->out == NULL) {
		err = -ENOMEM;
		goto close_fd;
	}
	err = log_out_start(f->out);
	if (err != 0) {
		goto free_out;
	}
	f->size = (uint64_t)st.st_size;
	if (f->size == 0 && f->head_size > 0) {
		log_out_put(f->out, f->head, f->head_size);
		f->size = f->head_size;
	}
	return 0;

free_out:
	log_out_free(f->out);
	f->out = NULL;
close_fd:
	(void)close(f->fd);
	f->fd = -1;
	return err;
}

/* Ends the thread, whose descriptor stays open if it still waits for the disk. */
static void finish(struct record_file *f)
{
	if (f->out == NULL) {
		return;
	}
	f->dropped += log_out_dropped(f->out);
	if (log_out_free(f->out)) {
		(void)close(f->fd);
	}
	f->out = NULL;
	f->fd = -1;
}

int record_file_open(const char *path, const void *head, size_t head_size, uint64_t size_max,
                     struct record_file **out)
{
	struct record_file *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (f == NULL) {
		return -ENOMEM;
	}
	f->head = head;
	f->head_size = head_size;
	f->size_max = size_max;
	f->fd = -1;
	f->path = strdup(path);
	if (f->path == NULL || asprintf(&f->older, "%s.1", path) < 0) {
		f->older = NULL;
		goto fail;
	}
	err = begin(f);
	if (err != 0) {
		goto fail;
	}
	*out = f;
	return 0;

fail:
	record_file_close(f);
	return err;
}

void record_file_put(struct record_file *f, const void *bytes, size_t size)
{
	if (f->out != NULL && f->size + size > f->size_max && f->size > f->head_size) {
		finish(f);
		if (rename(f->path, f->older) != 0 || begin(f) != 0) {
			finish(f);
		}
	}
	if (f->out == NULL) {
		f->dropped++;
		return;
	}
	log_out_put(f->out, bytes, size);
	f->size += size;
}

uint64_t record_file_dropped(struct record_file *f)
{
	uint64_t dropped = f->dropped + (f->out != NULL ? log_out_dropped(f->out) : 0);

	f->dropped = 0;
	return dropped;
}

void record_file_close(struct record_file *f)
{
	if (f == NULL) {
		return;
	}
	finish(f);
	free(f->older);
	free(f->path);
	free(f);
}
