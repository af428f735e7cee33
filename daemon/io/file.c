/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files for the configuration parser. See file.h.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

/* Larger files are no configuration. */
#define FILE_SIZE_MAX (64u << 20)

/* The buffer at first; it doubles. */
#define FIRST_SIZE 4096

static char *file_read(void *ctx, const char *path, size_t *size);
static bool file_find(const char *pattern, void (*fn)(void *fn_ctx, const char *path),
                      void *fn_ctx);

static bool file_find(const char *pattern, void (*fn)(void *fn_ctx, const char *path), void *fn_ctx)
{
	glob_t found = { 0 };
	int code = glob(pattern, GLOB_ERR, NULL, &found);

	for (size_t i = 0; code == 0 && i < found.gl_pathc; i++) {
		fn(fn_ctx, found.gl_pathv[i]);
	}
	globfree(&found);
	errno = code == GLOB_NOSPACE ? ENOMEM : errno;
	/* nothing found is no error, as in nft, nor is a directory that does not exist */
	return code == 0 || code == GLOB_NOMATCH || (code == GLOB_ABORTED && errno == ENOENT);
}

const struct config_reader file_reader = { .read = file_read, .find = file_find };

/* Reads until the end of the file. Returns malloc'd bytes, or NULL with errno set. */
static char *read_all(int fd, size_t *size)
{
	size_t buf_size = 0;
	char *buf = NULL;
	ssize_t got;

	*size = 0;
	do {
		if (*size == buf_size) {
			char *more;

			buf_size = buf_size == 0 ? FIRST_SIZE : buf_size * 2;
			more = buf_size <= FILE_SIZE_MAX ? realloc(buf, buf_size) : NULL;
			if (more == NULL) {
				errno = buf_size <= FILE_SIZE_MAX ? ENOMEM : EFBIG;
				goto fail;
			}
			buf = more;
		}
		got = read(fd, buf + *size, buf_size - *size);
		if (got < 0 && errno != EINTR) {
			goto fail;
		}
		*size += got > 0 ? (size_t)got : 0;
	} while (got != 0);
	return buf;

fail:
	free(buf);
	return NULL;
}

static char *file_read(void *ctx, const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf;
	int err;

	(void)ctx;
	if (fd < 0) {
		return NULL;
	}
	buf = read_all(fd, size);
	err = errno;
	(void)close(fd);
	errno = err;
	return buf;
}
