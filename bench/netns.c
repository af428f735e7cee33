/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates the namespaces; ip(8) configures interfaces and addresses.
 */
#include "netns.h"

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

/* Addresses, routes, and client ports for many connections in a short time. */
static const struct {
	enum netns_role role;
	const char *command;
} set_up[] = {
	{ NETNS_CLIENT,
	  "ip link set lo up && ip link set c0 up && "
	  "ip addr add 10.1.0.1/24 dev c0 && ip route add default via 10.1.0.9 && "
	  "sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1" },
	{ NETNS_ROUTER, "ip link set lo up && ip link set c1 up && ip link set s1 up && "
	                "ip addr add 10.1.0.9/24 dev c1 && ip addr add 10.2.0.9/24 dev s1 && "
	                "sysctl -qw net.ipv4.ip_forward=1" },
	{ NETNS_SERVER,
	  "ip link set lo up && ip link set s0 up && "
	  "for i in 1 2 3 4 5 6 7 8; do ip addr add 10.2.0.$i/24 dev s0 || exit 1; done && "
	  "ip route add default via 10.2.0.9" },
};

static int create_namespaces(struct netns *n)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (own < 0) {
		return -errno;
	}
	for (int i = 0; i < NETNS_LEN && err == 0; i++) {
		if (unshare(CLONE_NEWNET) != 0) {
			err = -errno;
			break;
		}
		n->fd[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		err = n->fd[i] < 0 ? -errno : 0;
	}
	if (setns(own, CLONE_NEWNET) != 0) {
		err = -errno;
	}
	(void)close(own);
	return err;
}

static int connect_pair(const struct netns *n, enum netns_role a, const char *a_if,
                        enum netns_role b, const char *b_if)
{
	char command[160];

	snprintf(command, sizeof(command),
	         "ip link add %s type veth peer name %s netns /proc/%d/fd/%d", a_if, b_if,
	         (int)getpid(), n->fd[b]);
	return netns_run(n, a, command) == 0 ? 0 : -EIO;
}

int netns_build(struct netns *n)
{
	int err;

	for (int i = 0; i < NETNS_LEN; i++) {
		n->fd[i] = -1;
	}
	err = create_namespaces(n);
	if (err != 0) {
		fprintf(stderr, "finwall-bench: network namespaces: %s\n", strerror(-err));
		return err;
	}
	err = connect_pair(n, NETNS_CLIENT, "c0", NETNS_ROUTER, "c1");
	if (err == 0) {
		err = connect_pair(n, NETNS_SERVER, "s0", NETNS_ROUTER, "s1");
	}
	for (size_t i = 0; i < sizeof(set_up) / sizeof(set_up[0]) && err == 0; i++) {
		err = netns_run(n, set_up[i].role, set_up[i].command) == 0 ? 0 : -EIO;
	}
	return err;
}

void netns_fini(struct netns *n)
{
	for (int i = 0; i < NETNS_LEN; i++) {
		if (n->fd[i] >= 0) {
			(void)close(n->fd[i]);
			n->fd[i] = -1;
		}
	}
}

pid_t netns_fork(const struct netns *n, enum netns_role role)
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
	/* The parent may have ended before prctl() took effect: the child has another parent then.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    setns(n->fd[role], CLONE_NEWNET) != 0) {
		_exit(127);
	}
	return 0;
}

int netns_run(const struct netns *n, enum netns_role role, const char *command)
{
	pid_t pid = netns_fork(n, role);
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

unsigned netns_server_address(unsigned nr)
{
	return htonl(0x0a020001u + nr % NETNS_SERVER_ADDRESSES);
}
