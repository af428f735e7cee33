/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fork and a pipe. See background.h.
 */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the first process. */
static void wait_for(pid_t child, int fd, int failure) __attribute__((noreturn));

int background_start(int failure)
{
	int fds[2];
	pid_t child;
	int null;

	if (pipe2(fds, O_CLOEXEC) < 0 || (child = fork()) < 0) {
		(void)fprintf(stderr, "finwalld: cannot start in the background: %s\n",
		              strerror(errno));
		exit(failure);
	}
	if (child > 0) {
		close(fds[1]);
		wait_for(child, fds[0], failure);
	}
	close(fds[0]);
	(void)setsid();
	/* Standard error stays: it is the log. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		close(null);
	}
	return fds[1];
}

static void wait_for(pid_t child, int fd, int failure)
{
	char byte;
	ssize_t n;
	int status;

	while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR) {
	}
	if (n == 1) {
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : failure);
}

void background_is_ready(int fd)
{
	if (fd >= 0) {
		while (write(fd, "", 1) < 0 && errno == EINTR) {
		}
		close(fd);
	}
}
