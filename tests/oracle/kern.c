/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The namespace, its devices and its rules.
 */
#include "kern.h"

#include "ctnl.h"
#include "step.h"
#include "sysctls.h"
#include "tun.h"
#include "verdict_log.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_GROUP    1
#define SETTINGS_MAX 32

#define DROP_TTL_FORWARDED "32"
_Static_assert(STEP_DROP_TTL == 33, "forwarding decrements the TTL by one");

struct kern {
	int tun_in;
	int tun_out; /* Not read: packets that exceed its queue are dropped after the commit. */
	int setting_fd[SETTINGS_MAX];
	struct mnl_socket *log;
	struct mnl_socket *ct;
};

static const char log_rules[] =
	"table inet oracle {\n"
	"chain log_state {\n"
	"type filter hook prerouting priority mangle; policy accept;\n"
	"ct state new log prefix \"N0\" group 1 snaplen 0 accept\n"
	"ct state established ct direction original log prefix \"E0\" group 1 accept\n"
	"ct state established ct direction reply log prefix \"E1\" group 1 accept\n"
	"ct state related ct direction original log prefix \"R0\" group 1 accept\n"
	"ct state related ct direction reply log prefix \"R1\" group 1 accept\n"
	"ct state invalid log prefix \"I0\" group 1 accept\n"
	"ct state untracked log prefix \"U0\" group 1 accept\n"
	"}\n"
	/* The rule that drops; the TTL has been decremented by then. */
	"chain drop_marked {\n"
	"type filter hook forward priority filter; policy accept;\n"
	"ip ttl " DROP_TTL_FORWARDED " drop\n"
	"ip6 hoplimit " DROP_TTL_FORWARDED " drop\n"
	"}\n"
	/* The host's own packets must neither be tracked nor leave. */
	"chain drop_own { type filter hook output priority raw; policy drop; }\n"
	"}\n";

static const char setup[] = "ip link set dev fwo0 mtu 65535 && ip link set dev fwo1 mtu 65535 &&"
			    "ip link set dev fwo0 up && ip link set dev fwo1 up &&"
			    "ip route add default dev fwo1 && ip -6 route add default dev fwo1";

static const struct {
	const char *path;
	const char *value;
} switches[] = {
	{ "/proc/sys/net/ipv4/ip_forward", "1" },
	{ "/proc/sys/net/ipv4/conf/all/rp_filter", "0" },
	{ "/proc/sys/net/ipv4/conf/default/rp_filter", "0" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding", "1" },
	{ "/proc/sys/net/ipv6/conf/default/forwarding", "1" },
	{ "/proc/sys/net/ipv6/conf/default/accept_ra", "0" },
};

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		return -errno;
	}
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -errno : 0;
}

int kern_load_rules(const char *rules)
{
	FILE *nft = popen("nft -f -", "w");

	if (nft == NULL) {
		return -errno;
	}
	fputs(rules, nft);
	return pclose(nft) == 0 ? 0 : -EIO;
}

static struct mnl_socket *open_ctnetlink(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (nl != NULL && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	return nl;
}

static int open_settings(struct kern *k)
{
	for (size_t i = 0; i < sysctls_len; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/net/netfilter/nf_conntrack_%s",
		         sysctls_table[i].name);
		k->setting_fd[i] = open(path, O_WRONLY | O_CLOEXEC);
		if (k->setting_fd[i] < 0) {
			return -errno;
		}
	}
	return 0;
}

static const char *build(struct kern *k)
{
	if (unshare(CLONE_NEWNET) != 0) {
		return "not permitted to create a network namespace";
	}
	if ((k->tun_in = tun_open("fwo0")) < 0 || (k->tun_out = tun_open("fwo1")) < 0) {
		return "no tun devices";
	}
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (write_file(switches[i].path, switches[i].value) != 0) {
			return switches[i].path;
		}
	}
	if (open_settings(k) != 0) {
		return "cannot open the settings of nf_conntrack";
	}
	if (kern_load_rules(log_rules) != 0) {
		return "nft cannot load rules that match ct state and log";
	}
	if (system(setup) != 0) {
		return "ip cannot set up devices and routes";
	}
	k->log = verdict_log_open(LOG_GROUP);
	k->ct = open_ctnetlink();
	if (k->log == NULL || k->ct == NULL) {
		return "cannot open nfnetlink_log or ctnetlink";
	}
	return NULL;
}

struct kern *kern_new(const char **why)
{
	struct kern *k = calloc(1, sizeof(*k));

	*why = "out of memory";
	if (k == NULL) {
		return NULL;
	}
	k->tun_in = -1;
	k->tun_out = -1;
	memset(k->setting_fd, 0xff, sizeof(k->setting_fd));
	*why = build(k);
	if (*why != NULL) {
		kern_free(k);
		return NULL;
	}
	return k;
}

void kern_free(struct kern *k)
{
	if (k == NULL) {
		return;
	}
	if (k->log != NULL) {
		mnl_socket_close(k->log);
	}
	if (k->ct != NULL) {
		mnl_socket_close(k->ct);
	}
	for (size_t i = 0; i < SETTINGS_MAX; i++) {
		if (k->setting_fd[i] >= 0) {
			close(k->setting_fd[i]);
		}
	}
	if (k->tun_in >= 0) {
		close(k->tun_in);
	}
	if (k->tun_out >= 0) {
		close(k->tun_out);
	}
	free(k);
}

int kern_inject(struct kern *k, const uint8_t *packet, size_t size, struct sighting *out)
{
	if (write(k->tun_in, packet, size) != (ssize_t)size) {
		return errno != 0 ? -errno : -EIO;
	}
	return verdict_log_read(k->log, 0, out);
}

int kern_wait_out(struct kern *k, int timeout_ms)
{
	static uint8_t packet[65536];
	struct pollfd pfd = { .fd = k->tun_out, .events = POLLIN };

	if (poll(&pfd, 1, timeout_ms) < 0) {
		return -errno;
	}
	while (read(k->tun_out, packet, sizeof(packet)) > 0) {
	}
	return 0;
}

int kern_set(struct kern *k, size_t setting_nr, uint32_t value)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", value);

	return pwrite(k->setting_fd[setting_nr], text, (size_t)n, 0) < 0 ? -errno : 0;
}

int kern_find(struct kern *k, const struct tuple *t, struct view *out)
{
	return ctnl_find(k->ct, t, out);
}

int kern_delete(struct kern *k, const struct tuple *t)
{
	return ctnl_delete(k->ct, t);
}

int kern_flush(struct kern *k)
{
	return ctnl_delete(k->ct, NULL);
}

int kern_dump(struct kern *k, kern_each_fn *each, void *ctx)
{
	return ctnl_dump(k->ct, each, ctx);
}
