/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced as a whole: written as PATH.new, synced, renamed over the old one.
 *
 * Each write starts its write-back at once (sync_file_range), so that the final fsync(), which
 * blocks the caller, is short for any size.
 */
#include "state_file.h"

#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct state_file {
	char *path;
	char *path_new;
	size_t header_size;
	off_t size; /* written so far */
	dev_t dev;  /* of path_new as made here; another process may replace it */
	ino_t inode;
	int fd;
};

static int make_directory(const char *path);
static int open_new(struct state_file *f);
static int put_in_place(struct state_file *f);

static char *with_ending(const char *path, const char *ending)
{
	char *out;

	return asprintf(&out, "%s%s", path, ending) < 0 ? NULL : out;
}

int state_file_begin(const char *path, size_t header_size, struct state_file **out)
{
	struct state_file *f = calloc(1, sizeof(*f));
	int err;

	if (f == NULL) {
		return -ENOMEM;
	}
	f->fd = -1;
	f->header_size = header_size;
	f->size = (off_t)header_size;
	f->path = strdup(path);
	f->path_new = with_ending(path, ".new");
	err = f->path == NULL || f->path_new == NULL ? -ENOMEM : make_directory(path);
	if (err == 0) {
		err = open_new(f);
	}
	if (err != 0) {
		state_file_abort(f);
		return err;
	}
	*out = f;
	return 0;
}

static int write_at(int fd, const uint8_t *bytes, size_t size, off_t at)
{
	while (size > 0) {
		ssize_t done = pwrite(fd, bytes, size, at);

		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		if (done > 0) {
			bytes += done;
			size -= (size_t)done;
			at += done;
		}
	}
	return 0;
}

int state_file_add(struct state_file *f, const uint8_t *bytes, size_t size)
{
	int err = write_at(f->fd, bytes, size, f->size);

	if (err != 0) {
		return err;
	}
	/* Only starts write-back: without it fsync() takes longer. */
	(void)sync_file_range(f->fd, f->size, (off_t)size, SYNC_FILE_RANGE_WRITE);
	f->size += (off_t)size;
	return 0;
}

int state_file_commit(struct state_file *f, const uint8_t *header)
{
	int err = write_at(f->fd, header, f->header_size, 0);

	if (err == 0) {
		err = put_in_place(f);
	}
	if (err != 0) {
		state_file_abort(f);
		return err;
	}
	(void)close(f->fd);
	free(f->path);
	free(f->path_new);
	free(f);
	return 0;
}

/* True unless another process has replaced path_new. */
static int is_ours(const struct state_file *f)
{
	struct stat st;

	return lstat(f->path_new, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->inode;
}

void state_file_abort(struct state_file *f)
{
	if (f == NULL) {
		return;
	}
	if (f->fd >= 0) {
		if (is_ours(f)) {
			(void)unlink(f->path_new);
		}
		(void)close(f->fd);
	}
	free(f->path);
	free(f->path_new);
	free(f);
}

/* Reads size bytes. Returns 0, -EIO when the file has become shorter, or another -errno. */
static int read_whole(int fd, uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, bytes, size);

		if (got == 0) {
			return -EIO;
		}
		if (got < 0 && errno != EINTR) {
			return -errno;
		}
		if (got > 0) {
			bytes += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

/* Read, not mapped: truncation meanwhile must not raise SIGBUS. */
int state_view_open(const char *path, struct state_view *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct state_view v = { NULL, 0 };
	struct stat st;
	int err = 0;

	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &st) != 0) {
		err = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
	} else if (st.st_size > 0) {
		v = (struct state_view){ mem_map((size_t)st.st_size), (size_t)st.st_size };
		err = v.bytes == NULL ? -errno : read_whole(fd, v.bytes, v.size);
	}
	(void)close(fd);
	if (err != 0) {
		state_view_close(&v);
		return err;
	}
	*out = v;
	return 0;
}

void state_view_close(struct state_view *v)
{
	mem_unmap(v->bytes, v->size);
	*v = (struct state_view){ NULL, 0 };
}

int state_file_set_header(const char *path, const uint8_t *header, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int err;

	if (fd < 0) {
		return -errno;
	}
	err = write_at(fd, header, size, 0);
	if (err == 0 && fdatasync(fd) != 0) {
		err = -errno;
	}
	(void)close(fd);
	return err;
}

int state_file_rename_bad(const char *path)
{
	char *bad = with_ending(path, ".bad");
	int err;

	if (bad == NULL) {
		return -ENOMEM;
	}
	err = rename(path, bad) != 0 ? -errno : 0;
	free(bad);
	return err;
}

/* Returns the path's directory, malloc'd, or NULL when memory runs out. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		return strdup(".");
	}
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Makes the last directory of the path only; its parents are the administrator's. */
static int make_directory(const char *path)
{
	char *dir = directory_of(path);
	int err = 0;

	if (dir == NULL) {
		return -ENOMEM;
	}
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		err = -errno;
	}
	free(dir);
	return err;
}

/* Removes the unfinished file of an earlier run; O_EXCL: no other process has the new one open. */
static int open_new(struct state_file *f)
{
	struct stat st;

	if (unlink(f->path_new) != 0 && errno != ENOENT) {
		return -errno;
	}
	f->fd = open(f->path_new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0 || fstat(f->fd, &st) != 0) {
		return -errno;
	}
	f->dev = st.st_dev;
	f->inode = st.st_ino;
	return 0;
}

/* Syncs the directory too: otherwise a power failure may undo the rename. */
static int put_in_place(struct state_file *f)
{
	char *dir;
	int fd;
	int err = 0;

	if (fsync(f->fd) != 0) {
		return -errno;
	}
	if (!is_ours(f)) {
		return -EBUSY;
	}
	if (rename(f->path_new, f->path) != 0) {
		return -errno;
	}
	dir = directory_of(f->path);
	fd = dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		err = fsync(fd) != 0 ? -errno : 0;
		(void)close(fd);
	}
	free(dir);
	return err;
}
