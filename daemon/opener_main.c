/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-opener SOCKET DIR: opens sockets and files for the daemon, so that finwalld.service needs
 * fewer rights. DIR: of the pins of the kernel fast path. Run by finwall-opener.service only.
 */
#include "io/notify.h"
#include "io/opener_serve.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	int fd;
	int err;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: finwall-opener SOCKET DIR\n");
		return 2;
	}
	/* The kernel removes raw packet senders that exit. */
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = opener_listen(argv[1]);
	if (fd < 0) {
		(void)fprintf(stderr, "finwall-opener: cannot listen on %s: %s\n", argv[1],
		              strerror(-fd));
		return 2;
	}
	notify_ready("Ready");
	err = opener_serve(fd, argv[2]);
	(void)fprintf(stderr, "finwall-opener: exits: %s\n", strerror(-err));
	return 1;
}
