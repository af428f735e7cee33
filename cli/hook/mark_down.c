/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records that the hook rules were removed by command. See mark_down.h. */
#include "hook/mark_down.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The path in buf; "" if it is too long. */
static const char *mark_path(const char *socket_path, char *buf, size_t size)
{
	const char *slash = strrchr(socket_path, '/');
	int dir_size = slash != NULL ? (int)(slash - socket_path) : 1;
	int n = snprintf(buf, size, "%.*s/hook-down", dir_size, slash != NULL ? socket_path : ".");

	if (n < 0 || (size_t)n >= size) {
		buf[0] = '\0';
	}
	return buf;
}

void hook_mark_set(const char *socket_path)
{
	char path[4096];
	int fd = open(mark_path(socket_path, path, sizeof(path)),
	              O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
	}
}

void hook_mark_clear(const char *socket_path)
{
	char path[4096];

	unlink(mark_path(socket_path, path, sizeof(path)));
}

bool hook_mark_is_set(const char *socket_path)
{
	char path[4096];

	return access(mark_path(socket_path, path, sizeof(path)), F_OK) == 0;
}
