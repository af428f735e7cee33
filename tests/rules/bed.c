/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the namespace and puts packets through it. Two groups of log rules tell what became of a
 * packet: one behind the tracker, one behind the rules under test. Both messages are there when the
 * system call that sent the packet returns.
 */
#include "bed.h"

#include "../oracle/verdict_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP_STATE  1
#define GROUP_PASSED 2

#define NET(a, b, c, d)                                                                            \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct bed {
	int tun[BED_IFACES_LEN];
	int raw[2]; /* IPv4, IPv6 */
	struct mnl_socket *state;
	struct mnl_socket *passed;
};

const char *const bed_iface[BED_IFACES_LEN] = { "wan0", "lan0", "dmz0", "eth0" };

static const struct {
	uint32_t local;
	uint32_t net;
	uint32_t mask;
} places[BED_IFACES_LEN] = {
	{ NET(203, 0, 113, 1), 0, 0 },
	{ NET(192, 168, 1, 1), NET(192, 168, 1, 0), NET(255, 255, 255, 0) },
	{ NET(192, 168, 2, 1), NET(192, 168, 2, 0), NET(255, 255, 255, 0) },
	{ NET(172, 16, 0, 1), NET(172, 16, 0, 0), NET(255, 255, 0, 0) },
};

static const char watch_rules[] =
	"table inet watch {\n"
	"chain state_in {\n"
	"type filter hook prerouting priority mangle; policy accept;\n"
	"jump tell\n"
	"}\n"
	"chain state_out {\n"
	"type filter hook output priority mangle; policy accept;\n"
	"jump tell\n"
	"}\n"
	"chain tell {\n"
	"ct state new log prefix \"N0\" group 1 snaplen 0 return\n"
	"ct state established log prefix \"E0\" group 1 snaplen 0 return\n"
	"ct state related log prefix \"R0\" group 1 snaplen 0 return\n"
	"ct state invalid log prefix \"I0\" group 1 snaplen 0 return\n"
	"ct state untracked log prefix \"U0\" group 1 snaplen 0 return\n"
	"}\n"
	"chain passed_in {\n"
	"type filter hook input priority 10; policy accept;\n"
	"log prefix \"N0\" group 2 snaplen 0\n"
	"}\n"
	"chain passed_through {\n"
	"type filter hook forward priority 10; policy accept;\n"
	"log prefix \"N0\" group 2 snaplen 0\n"
	"}\n"
	"chain passed_out {\n"
	"type filter hook output priority 10; policy accept;\n"
	"log prefix \"N0\" group 2 snaplen 0\n"
	"}\n"
	"chain silence {\n"
	"type filter hook output priority raw; policy accept;\n"
	"meta mark & 0x80000000 == 0 drop\n"
	"}\n"
	"}\n";

static const char setup[] =
	"for i in wan0 lan0 dmz0 eth0; do ip link set $i up && "
	"echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter && "
	"echo 0 >/proc/sys/net/ipv4/conf/$i/send_redirects || exit 1; done; "
	"echo 1 >/proc/sys/net/ipv4/ip_forward && "
	"echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter && "
	"ip addr add 203.0.113.1/32 dev wan0 && ip addr add 192.168.1.1/24 dev lan0 && "
	"ip addr add 192.168.2.1/24 dev dmz0 && ip addr add 172.16.0.1/16 dev eth0 && "
	"ip route add default dev wan0";

/* Nothing speaks by itself: no autoconfiguration, no detection of duplicates. */
static const char setup6[] =
	"cd /proc/sys/net/ipv6/conf || exit 1; for i in all wan0 lan0 dmz0 eth0; do "
	"echo 0 >$i/accept_ra; echo 0 >$i/accept_dad; echo 0 >$i/disable_ipv6; done; "
	"echo 1 >all/forwarding && "
	"ip addr add 2001:db8::cb00:7101/128 dev wan0 nodad && "
	"ip addr add 2001:db8::c0a8:101/120 dev lan0 nodad && "
	"ip addr add 2001:db8::c0a8:201/120 dev dmz0 nodad && "
	"ip addr add 2001:db8::ac10:1/112 dev eth0 nodad && ip -6 route add default dev wan0";

static int open_tun(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static bool pipe_to(const char *command, const char *text)
{
	FILE *to = popen(command, "w");

	if (to == NULL) {
		return false;
	}
	fputs(text, to);
	return pclose(to) == 0;
}

static int open_raw(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	const uint32_t mark = BED_MARK;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static const char *load(enum bed_rules kind, const char *rules)
{
	switch (kind) {
	case BED_IPTABLES:
		return pipe_to("iptables-legacy-restore", rules)
		               ? NULL
		               : "iptables-legacy-restore does not take the rules";
	case BED_IP6TABLES:
		return pipe_to("ip6tables-legacy-restore", rules)
		               ? NULL
		               : "ip6tables-legacy-restore does not take the rules";
	default:
		return pipe_to("nft -f -", rules) ? NULL : "nft does not take the rules";
	}
}

static const char *build(struct bed *b, enum bed_rules kind, const char *rules)
{
	const char *wrong;

	if (unshare(CLONE_NEWNET) != 0) {
		return "no right to make a network namespace";
	}
	for (unsigned i = 0; i < BED_IFACES_LEN; i++) {
		b->tun[i] = open_tun(bed_iface[i]);
		if (b->tun[i] < 0) {
			return "no tun devices";
		}
	}
	if (system(setup) != 0) {
		return "ip cannot set up devices and routes";
	}
	if (kind != BED_IPTABLES && system(setup6) != 0) {
		return "ip cannot set up IPv6";
	}
	if (!pipe_to("nft -f -", watch_rules)) {
		return "nft cannot load rules that match ct state and log";
	}
	wrong = load(kind, rules);
	if (wrong != NULL) {
		return wrong;
	}
	b->raw[0] = open_raw(AF_INET);
	b->raw[1] = open_raw(AF_INET6);
	b->state = verdict_log_open(GROUP_STATE);
	b->passed = verdict_log_open(GROUP_PASSED);
	if (b->raw[0] < 0 || (kind != BED_IPTABLES && b->raw[1] < 0) || b->state == NULL ||
	    b->passed == NULL) {
		return "no raw socket or no nfnetlink";
	}
	return NULL;
}

struct bed *bed_new(enum bed_rules kind, const char *rules, const char **why)
{
	struct bed *b = calloc(1, sizeof(*b));

	*why = "no memory";
	if (b == NULL) {
		return NULL;
	}
	memset(b->tun, 0xff, sizeof(b->tun));
	b->raw[0] = b->raw[1] = -1;
	*why = build(b, kind, rules);
	if (*why != NULL) {
		bed_free(b);
		return NULL;
	}
	return b;
}

void bed_free(struct bed *b)
{
	if (b == NULL) {
		return;
	}
	for (unsigned i = 0; i < BED_IFACES_LEN; i++) {
		if (b->tun[i] >= 0) {
			close(b->tun[i]);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (b->raw[i] >= 0) {
			close(b->raw[i]);
		}
	}
	if (b->state != NULL) {
		mnl_socket_close(b->state);
	}
	if (b->passed != NULL) {
		mnl_socket_close(b->passed);
	}
	free(b);
}

uint32_t bed_ifindex(const struct bed *b, unsigned iface)
{
	(void)b;
	return if_nametoindex(bed_iface[iface]);
}

unsigned bed_iface_of(uint32_t addr)
{
	for (unsigned i = 1; i < BED_IFACES_LEN; i++) {
		if ((addr & places[i].mask) == places[i].net) {
			return i;
		}
	}
	return 0;
}

bool bed_is_local(uint32_t addr)
{
	for (unsigned i = 0; i < BED_IFACES_LEN; i++) {
		if (addr == places[i].local) {
			return true;
		}
	}
	return false;
}

/* The packet's fate is told by the log; what the socket says of it is not needed. */
static void send_raw(const struct bed *b, const uint8_t *packet, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };

	if (packet[0] >> 4 == 4) {
		memcpy(&to.sin_addr, packet + 16, 4);
		(void)!sendto(b->raw[0], packet, size, 0, (const struct sockaddr *)&to, sizeof(to));
	} else {
		memcpy(&to6.sin6_addr, packet + 24, 16);
		(void)!sendto(b->raw[1], packet, size, 0, (const struct sockaddr *)&to6,
		              sizeof(to6));
	}
}

int bed_send(struct bed *b, enum hook hook, unsigned iif, const uint8_t *packet, size_t size,
             struct sighting *state)
{
	struct sighting passed;
	int err;

	if (hook == HOOK_OUTPUT) {
		send_raw(b, packet, size);
	} else if (write(b->tun[iif], packet, size) != (ssize_t)size) {
		return -EIO;
	}
	err = verdict_log_read(b->state, 0, state);
	if (err == 0) {
		err = verdict_log_read(b->passed, 0, &passed);
	}
	return err != 0 ? err : passed.seen ? 1 : 0;
}
