/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three network namespaces: client - router - server, connected by veth pairs, with IPv4 forwarding
 * on the router. They have no names, so they end with the process, however it ends.
 */
#ifndef FINWALL_BENCH_NETNS_H
#define FINWALL_BENCH_NETNS_H

#include <sys/types.h>

enum netns_role {
	NETNS_CLIENT,
	NETNS_ROUTER,
	NETNS_SERVER,
	NETNS_LEN,
};

/* Addresses of the server, from 10.2.0.1 on: enough for --queue-balance to use all queues. */
#define NETNS_SERVER_ADDRESSES 8

struct netns {
	int fd[NETNS_LEN];
};

/* Creates them. Returns 0, or -EPERM or -EIO after an error message. */
int netns_build(struct netns *n);
void netns_fini(struct netns *n);

/* Runs a shell command in a namespace. Returns its exit status; stderr is shared. */
int netns_run(const struct netns *n, enum netns_role role, const char *command);

/*
 * Forks. The child is in that namespace and is killed when its parent ends. Returns as fork() does,
 * or -errno.
 */
pid_t netns_fork(const struct netns *n, enum netns_role role);

/* The server's address number nr modulo NETNS_SERVER_ADDRESSES, in network byte order. */
unsigned netns_server_address(unsigned nr);

#endif
