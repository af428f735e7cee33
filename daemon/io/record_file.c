/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of records. See record_file.h. */
#include "record_file.h"

#include "log_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that are full and that a thread still writes. With more the disk hangs: all is dropped. */
#define LEFT_MAX 4

/* How long a close waits for them. */
#define LEFT_WAIT_MSEC 1000

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

	/* Not blocking: a FIFO would wait for its reader. */
	f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	             0640);
	if (f->fd < 0) {
		return errno == ENXIO ? -EINVAL : -errno;
	}
	if (fstat(f->fd, &st) != 0) {
		err = -errno;
		goto close_fd;
	}
	if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
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
		(void)log_out_put(f->out, f->head, f->head_size);
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

/* Ends the thread, which writes the rest if it is not waited for. Returns false if it still writes.
 */
static bool finish(struct record_file *f, bool waits)
{
	bool is_over;

	if (f->out == NULL) {
		return true;
	}
	f->dropped += log_out_dropped(f->out);
	is_over = log_out_close(f->out, waits);
	f->out = NULL;
	f->fd = -1;
	return is_over;
}

/* Begins a new file. */
static void rotate(struct record_file *f)
{
	(void)finish(f, false);
	if (rename(f->path, f->older) != 0 || begin(f) != 0) {
		(void)finish(f, false);
	}
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
		if (log_out_left() >= LEFT_MAX) {
			f->dropped++;
			return;
		}
		rotate(f);
	}
	if (f->out == NULL) {
		f->dropped++;
		return;
	}
	if (log_out_put(f->out, bytes, size)) {
		f->size += size;
	}
}

uint64_t record_file_dropped(struct record_file *f)
{
	uint64_t dropped = f->dropped + (f->out != NULL ? log_out_dropped(f->out) : 0);

	f->dropped = 0;
	return dropped;
}

void record_file_close(struct record_file *f)
{
	bool is_over;

	if (f == NULL) {
		return;
	}
	is_over = finish(f, true);
	for (unsigned msec = 0; is_over && log_out_left() > 0 && msec < LEFT_WAIT_MSEC; msec++) {
		(void)poll(NULL, 0, 1);
	}
	free(f->older);
	free(f->path);
	free(f);
}
