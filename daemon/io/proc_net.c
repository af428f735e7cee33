/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See proc_net.h. */
#include "proc_net.h"

#include "opener.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Of this thread: the process's first one may be in another network namespace. */
static const char *const paths[PROC_NET_FILES_LEN] = {
	[PROC_NET_QUEUES] = "/proc/thread-self/net/netfilter/nfnetlink_queue",
	[PROC_NET_IP_TABLES] = "/proc/thread-self/net/ip_tables_names",
	[PROC_NET_IP6_TABLES] = "/proc/thread-self/net/ip6_tables_names",
};

int proc_net_open_here(enum proc_net_file file)
{
	int fd = open(paths[file], O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

FILE *proc_net_open(enum proc_net_file file)
{
	int fd;
	FILE *f;

	if (!opener_is_set()) {
		fd = proc_net_open_here(file);
	} else if (access(paths[file], F_OK) != 0) {
		/* Often: the module is not loaded. */
		fd = -errno;
	} else {
		fd = opener_get(OPENER_PROC_NET, (uint32_t)file);
	}
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	f = fdopen(fd, "r");
	if (f == NULL) {
		(void)close(fd);
	}
	return f;
}
