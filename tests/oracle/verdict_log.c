/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfnetlink_log messages, by libmnl.
 */
#include "verdict_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Copy no packet bytes and send each message at once. */
static int bind_group(struct mnl_socket *nl, uint16_t group)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_mode = NFULNL_COPY_META };
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
	return mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

struct mnl_socket *verdict_log_open(uint16_t group)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (nl == NULL) {
		return NULL;
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || bind_group(nl, group) != 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

static bool read_prefix(const struct nlmsghdr *nlh, struct sighting *out)
{
	static const char letters[CT_STATES_LEN] = {
		[CT_INVALID] = 'I', [CT_NEW] = 'N',       [CT_ESTABLISHED] = 'E',
		[CT_RELATED] = 'R', [CT_UNTRACKED] = 'U', [CT_LATE] = 'L',
	};
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		const char *prefix = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != NFULA_PREFIX) {
			continue;
		}
		for (unsigned i = 0; i < CT_STATES_LEN; i++) {
			if (prefix[0] == letters[i]) {
				*out = (struct sighting){ true, (uint8_t)i,
					                  (uint8_t)(prefix[1] - '0') };
				return true;
			}
		}
	}
	return false;
}

int verdict_log_read(struct mnl_socket *nl, int timeout_ms, struct sighting *out)
{
	char buf[4096] __attribute__((aligned(8)));
	struct pollfd pfd = { .fd = mnl_socket_get_fd(nl), .events = POLLIN };

	memset(out, 0, sizeof(*out));
	if (timeout_ms != 0 && poll(&pfd, 1, timeout_ms) < 0) {
		return -errno;
	}
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		int left = (int)n;

		if (n < 0) {
			return errno == EAGAIN ? 0 : -errno;
		}
		for (struct nlmsghdr *nlh = (void *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (read_prefix(nlh, out)) {
				return 0;
			}
		}
	}
}

void verdict_log_discard(struct mnl_socket *nl)
{
	char buf[4096];

	while (mnl_socket_recvfrom(nl, buf, sizeof(buf)) > 0) {
	}
}
