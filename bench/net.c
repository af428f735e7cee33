/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The namespaces. Interfaces and addresses are set up by ip(8).
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Addresses, routes, and what lets a client open many connections in a short time. */
static const struct {
	enum net_place where;
	const char *command;
} set_up[] = {
	{ NET_CLIENT,
	  "ip link set lo up && ip link set c0 up && "
	  "ip addr add 10.1.0.1/24 dev c0 && ip route add default via 10.1.0.9 && "
	  "sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1" },
	{ NET_ROUTER, "ip link set lo up && ip link set c1 up && ip link set s1 up && "
	              "ip addr add 10.1.0.9/24 dev c1 && ip addr add 10.2.0.9/24 dev s1 && "
	              "sysctl -qw net.ipv4.ip_forward=1" },
	{ NET_SERVER,
	  "ip link set lo up && ip link set s0 up && "
	  "for i in 1 2 3 4 5 6 7 8; do ip addr add 10.2.0.$i/24 dev s0 || exit 1; done && "
	  "ip route add default via 10.2.0.9" },
};

static int make_places(struct net *n)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (home < 0) {
		return -errno;
	}
	for (int i = 0; i < NET_PLACES_LEN && err == 0; i++) {
		if (unshare(CLONE_NEWNET) != 0) {
			err = -errno;
			break;
		}
		n->fd[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		err = n->fd[i] < 0 ? -errno : 0;
	}
	if (setns(home, CLONE_NEWNET) != 0) {
		err = -errno;
	}
	(void)close(home);
	return err;
}

static int join(const struct net *n, enum net_place a, const char *a_if, enum net_place b,
                const char *b_if)
{
	char command[160];

	snprintf(command, sizeof(command),
	         "ip link add %s type veth peer name %s netns /proc/%d/fd/%d", a_if, b_if,
	         (int)getpid(), n->fd[b]);
	return net_run(n, a, command) == 0 ? 0 : -EIO;
}

int net_build(struct net *n)
{
	int err;

	for (int i = 0; i < NET_PLACES_LEN; i++) {
		n->fd[i] = -1;
	}
	err = make_places(n);
	if (err != 0) {
		fprintf(stderr, "finwall-bench: network namespaces: %s\n", strerror(-err));
		return err;
	}
	err = join(n, NET_CLIENT, "c0", NET_ROUTER, "c1");
	if (err == 0) {
		err = join(n, NET_SERVER, "s0", NET_ROUTER, "s1");
	}
	for (size_t i = 0; i < sizeof(set_up) / sizeof(set_up[0]) && err == 0; i++) {
		err = net_run(n, set_up[i].where, set_up[i].command) == 0 ? 0 : -EIO;
	}
	return err;
}

void net_fini(struct net *n)
{
	for (int i = 0; i < NET_PLACES_LEN; i++) {
		if (n->fd[i] >= 0) {
			(void)close(n->fd[i]);
			n->fd[i] = -1;
		}
	}
}

pid_t net_fork(const struct net *n, enum net_place where)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		return -errno;
	}
	if (pid > 0) {
		return pid;
	}
	/* A parent that has died before this is in force has left us to somebody else. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    setns(n->fd[where], CLONE_NEWNET) != 0) {
		_exit(127);
	}
	return 0;
}

int net_run(const struct net *n, enum net_place where, const char *command)
{
	pid_t pid = net_fork(n, where);
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		return 127;
	}
	return WEXITSTATUS(status);
}

unsigned net_server_address(unsigned nr)
{
	return htonl(0x0a020001u + nr % NET_SERVERS_LEN);
}
