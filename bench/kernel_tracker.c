/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See kernel_tracker.h. */
#include "kernel_tracker.h"

#include "io/conntrack.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUF_SIZE 8192

/* A request to delete that names no connection deletes all. */
static int delete_all(void)
{
	_Alignas(struct nlmsghdr) char buf[BUF_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	ssize_t size;
	int err = 0;

	if (nl == NULL) {
		return -errno;
	}
	h->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = 1;
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    mnl_socket_sendto(nl, h, h->nlmsg_len) < 0 ||
	    (size = mnl_socket_recvfrom(nl, buf, sizeof(buf))) < 0 ||
	    mnl_cb_run(buf, (size_t)size, 1, mnl_socket_get_portid(nl), NULL, NULL) < 0) {
		err = -errno;
	}
	mnl_socket_close(nl);
	return err;
}

int kernel_tracker_clear(const struct netns *net)
{
	pid_t pid = netns_fork(net, NETNS_ROUTER);
	int status;

	if (pid == 0) {
		_exit(conntrack_is_loaded() ? -delete_all() : 0);
	}
	if (pid < 0) {
		return (int)pid;
	}
	return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ? -EIO : -WEXITSTATUS(status);
}
