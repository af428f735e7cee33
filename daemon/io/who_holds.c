/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The holder of a queue: queue to netlink port (nfq_proc.c), port to the socket's inode
 * (/proc/net/netlink), inode to the process that has it open (/proc/PID/fd).
 */
#include "who_holds.h"

#include "nfq_proc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Finds the inode of the netfilter netlink socket with that port. */
static bool find_inode(uint32_t portid, uint64_t *inode)
{
	FILE *f = fopen("/proc/thread-self/net/netlink", "re");
	char line[256];
	bool found = false;

	if (f == NULL) {
		return false;
	}
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		unsigned proto;
		uint32_t port;

		/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
		found = sscanf(line, "%*s %u %" SCNu32 " %*s %*s %*s %*s %*s %*s %" SCNu64, &proto,
		               &port, inode) == 3 &&
		        proto == NETLINK_NETFILTER && port == portid;
	}
	(void)fclose(f);
	return found;
}

/* True when one of the process's descriptors is a link to link_text. */
static bool has_open(long pid, const char *link_text)
{
	char path[64];
	char target[64];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	dir = opendir(path);
	if (dir == NULL) {
		return false;
	}
	while (!found && (entry = readdir(dir)) != NULL) {
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (size > 0) {
			target[size] = '\0';
			found = strcmp(target, link_text) == 0;
		}
	}
	(void)closedir(dir);
	return found;
}

static void read_name(long pid, char *name, size_t name_size)
{
	char path[64];
	FILE *f;

	(void)snprintf(name, name_size, "process");
	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f == NULL) {
		return;
	}
	if (fgets(name, (int)name_size, f) != NULL) {
		name[strcspn(name, "\n")] = '\0';
	}
	(void)fclose(f);
}

/* Returns the id of the process that has the socket open, or 0. */
static long find_process(uint64_t inode)
{
	char link_text[64];
	const struct dirent *entry;
	long found = 0;
	DIR *proc = opendir("/proc");

	if (proc == NULL) {
		return 0;
	}
	(void)snprintf(link_text, sizeof(link_text), "socket:[%" PRIu64 "]", inode);
	while (found == 0 && (entry = readdir(proc)) != NULL) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && has_open(pid, link_text)) {
			found = pid;
		}
	}
	(void)closedir(proc);
	return found;
}

int who_holds(uint16_t queue, char *out, size_t out_size)
{
	struct nfq_proc stats;
	uint64_t inode;
	long pid;
	char name[64];
	int err = nfq_proc_read(queue, &stats);

	if (err != 0) {
		return err;
	}
	pid = find_inode(stats.portid, &inode) ? find_process(inode) : 0;
	if (pid == 0) {
		(void)snprintf(out, out_size,
		               "queue %u is held by a process that /proc does not show "
		               "(netlink port %" PRIu32 ")",
		               queue, stats.portid);
		return 0;
	}
	read_name(pid, name, sizeof(name));
	(void)snprintf(out, out_size, "queue %u is held by %s (pid %ld)", queue, name, pid);
	return 0;
}
