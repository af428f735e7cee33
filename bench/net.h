/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three network namespaces in a row: client - router - server, joined by veth pairs, IPv4
 * forwarding in the middle. They have no names and end with the process that made them, however it
 * ends.
 */
#ifndef FINWALL_BENCH_NET_H
#define FINWALL_BENCH_NET_H

#include <sys/types.h>

enum net_place {
	NET_CLIENT,
	NET_ROUTER,
	NET_SERVER,
	NET_PLACES_LEN,
};

/* The server has this many addresses, from 10.2.0.1 on, so that balanced queues are all used. */
#define NET_SERVERS_LEN 8

struct net {
	int fd[NET_PLACES_LEN];
};

/* Makes them. Returns 0, -EPERM without the rights, or -EIO, having said why. */
int net_build(struct net *n);
void net_fini(struct net *n);

/* Runs a shell command there. Returns its exit status; its standard error is ours. */
int net_run(const struct net *n, enum net_place where, const char *command);

/*
 * fork(): the child finds itself there and dies with its parent. Returns as fork() does, or
 * -errno.
 */
pid_t net_fork(const struct net *n, enum net_place where);

/* The server's address, nr-th of NET_SERVERS_LEN, network byte order. */
unsigned net_server_address(unsigned nr);

#endif
