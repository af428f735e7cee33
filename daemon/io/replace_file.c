/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new file, and a rename.
 */
#include "replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

int replace_file(const char *path, const char *text, size_t size)
{
	char fresh[PATH_MAX];
	mode_t mask;
	int err;
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
		return -ENAMETOOLONG;
	}
	/* A link that somebody else has put there must not be followed. */
	if (unlink(fresh) < 0 && errno != ENOENT) {
		return -errno;
	}
	mask = umask(022);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	umask(mask);
	if (fd < 0) {
		return -errno;
	}
	err = write_all(fd, text, size);
	if (close(fd) < 0 && err == 0) {
		err = -errno;
	}
	if (err == 0 && rename(fresh, path) < 0) {
		err = -errno;
	}
	if (err != 0) {
		(void)unlink(fresh);
	}
	return err;
}
