/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a UNIX stream socket. See unix_socket.h.
 */
#include "unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_address(const char *path, struct sockaddr_un *addr);
static int make_directory(const char *path);
static int clear_stale(const struct sockaddr_un *addr);

int unix_socket_bind(struct unix_socket *s, const char *path, mode_t mode)
{
	struct stat st;
	mode_t mask;
	int fd;
	int rc = make_address(path, &s->addr);

	if (rc == 0) {
		rc = make_directory(path);
	}
	if (rc == 0) {
		rc = clear_stale(&s->addr);
	}
	if (rc < 0) {
		return rc;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	/* the file must not have more permissions even for an instant */
	mask = umask(~mode & 0777);
	rc = bind(fd, (const struct sockaddr *)&s->addr, sizeof(s->addr)) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0 && lstat(s->addr.sun_path, &st) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return fd;
}

void unix_socket_remove(const struct unix_socket *s)
{
	struct stat st;

	if (s->ino != 0 && lstat(s->addr.sun_path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino) {
		unlink(s->addr.sun_path);
	}
}

static int make_address(const char *path, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(addr->sun_path, path, strlen(path));
	return 0;
}

/* Makes the last directory of the path only; its parents are the administrator's. */
static int make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (slash == NULL || slash == path) {
		return 0;
	}
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Removes a socket that refuses connections, because its process has exited. Other files stay. */
static int clear_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;
	int rc = 0;

	if (lstat(addr->sun_path, &st) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(st.st_mode)) {
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN) {
		rc = -EADDRINUSE;
	} else if (errno != ECONNREFUSED || unlink(addr->sun_path) < 0) {
		rc = -errno;
	}
	close(fd);
	return rc;
}
