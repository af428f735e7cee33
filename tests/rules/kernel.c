/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creates the namespace and sends packets through it. Two groups of log rules report a packet: one
 * after the tracker, one after the rules under test. Both messages are queued when the system call
 * that sent the packet returns.
 */
#include "kernel.h"

#include "../oracle/verdict_log.h"
#include "tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP_STATE  1
#define GROUP_PASSED 2

#define NET(a, b, c, d)                                                                            \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct kernel {
	int tun[KERNEL_IFACES_LEN];
	int raw[2]; /* IPv4, IPv6 */
	struct mnl_socket *state;
	struct mnl_socket *passed;
};

const char *const kernel_iface[KERNEL_IFACES_LEN] = { "wan0", "lan0", "dmz0", "eth0" };

static const struct {
	uint32_t local;
	uint32_t net;
	uint32_t mask;
} networks[KERNEL_IFACES_LEN] = {
	{ NET(203, 0, 113, 1), 0, 0 },
	{ NET(192, 168, 1, 1), NET(192, 168, 1, 0), NET(255, 255, 255, 0) },
	{ NET(192, 168, 2, 1), NET(192, 168, 2, 0), NET(255, 255, 255, 0) },
	{ NET(172, 16, 0, 1), NET(172, 16, 0, 0), NET(255, 255, 0, 0) },
};

static const char log_rules[] = "table inet watch {\n"
				"chain state_in {\n"
				"type filter hook prerouting priority mangle; policy accept;\n"
				"jump log_state\n"
				"}\n"
				"chain state_out {\n"
				"type filter hook output priority mangle; policy accept;\n"
				"jump log_state\n"
				"}\n"
				"chain log_state {\n"
				"ct state new log prefix \"N0\" group 1 snaplen 0 return\n"
				"ct state established log prefix \"E0\" group 1 snaplen 0 return\n"
				"ct state related log prefix \"R0\" group 1 snaplen 0 return\n"
				"ct state invalid log prefix \"I0\" group 1 snaplen 0 return\n"
				"ct state untracked log prefix \"U0\" group 1 snaplen 0 return\n"
				"}\n"
				"chain passed_in {\n"
				"type filter hook input priority 1000; policy accept;\n"
				"log prefix \"N0\" group 2 snaplen 0\n"
				"}\n"
				"chain passed_through {\n"
				"type filter hook forward priority 1000; policy accept;\n"
				"log prefix \"N0\" group 2 snaplen 0\n"
				"}\n"
				"chain passed_out {\n"
				"type filter hook output priority 1000; policy accept;\n"
				"log prefix \"N0\" group 2 snaplen 0\n"
				"}\n"
				"chain drop_own {\n"
				"type filter hook output priority -400; policy accept;\n"
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

/*
 * No traffic of the kernel's own: no autoconfiguration, no duplicate address detection. Beside load
 * an address is local only some time after it was added; until then its packets would be forwarded.
 */
static const char setup6[] =
	"cd /proc/sys/net/ipv6/conf || exit 1; for i in all wan0 lan0 dmz0 eth0; do "
	"echo 0 >$i/accept_ra; echo 0 >$i/accept_dad; echo 0 >$i/disable_ipv6; done; "
	"echo 1 >all/forwarding && "
	"ip addr add 2001:db8::cb00:7101/128 dev wan0 nodad && "
	"ip addr add 2001:db8::c0a8:101/120 dev lan0 nodad && "
	"ip addr add 2001:db8::c0a8:201/120 dev dmz0 nodad && "
	"ip addr add 2001:db8::ac10:1/112 dev eth0 nodad && ip -6 route add default dev wan0 || "
        "exit 1; "
	"for a in cb00:7101 c0a8:101 c0a8:201 ac10:1; do n=0; "
	"until ip -6 route get 2001:db8::$a | grep -q ^local; do "
	"n=$((n + 1)); [ $n -lt 500 ] || exit 1; sleep 0.01; done; done";

/*
 * For rules with `fib`: policy routing with routes that fail, several next hops, and more. Only for
 * marks that the rules set, so that it does not decide where packets go.
 */
static const char setup_routes[] =
	"for v in 4 6; do if [ $v = 4 ]; then a() { echo $1; }; else "
	"[ -e /proc/sys/net/ipv6 ] || exit 0; a() { echo $2; }; fi; "
	"t() { ip -$v route add \"$@\" table 100 || exit 1; }; "
	"t prohibit $(a 10.0.0.0/9 2001:db8::a00:0/105); "
	"t $(a 10.1.0.0/16 2001:db8::a01:0/112) dev dmz0; "
	"t unreachable $(a 10.1.2.0/24 2001:db8::a01:200/120); "
	"t blackhole $(a 172.16.128.0/24 2001:db8::ac10:8000/120); "
	"t throw $(a 192.168.2.0/24 2001:db8::c0a8:200/120); "
	"t $(a 192.168.1.0/24 2001:db8::c0a8:100/120) dev eth0; "
	"t default dev lan0 metric 200; t default dev dmz0 metric 100; "
	"ip -$v route add default dev lan0 table 101; "
	"ip -$v rule add fwmark 0x5/0xff lookup 100 suppress_prefixlength 0; "
	"ip -$v rule add fwmark 0x7 to $(a 203.0.113.0/24 2001:db8::cb00:7100/120) goto 40000; "
	"ip -$v rule add fwmark 0x7 prohibit; ip -$v rule add priority 40000 lookup main; "
	"ip -$v rule add fwmark 0x6 lookup 101; done; "
	"ip route add 198.51.100.0/29 table 100 nexthop dev lan0 nexthop dev dmz0";

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
	const uint32_t mark = KERNEL_MARK;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Of a save only table filter is loaded: the others can change packets, which the test does not
 * see.
 */
static const char *load(enum kernel_rules kind, const char *rules, const char *ipsets)
{
	if (ipsets != NULL && !pipe_to("ipset restore", ipsets)) {
		return "ipset cannot load the sets";
	}
	switch (kind) {
	case KERNEL_IPTABLES:
		return pipe_to("iptables-legacy-restore -T filter", rules)
		               ? NULL
		               : "iptables-legacy-restore refuses the rules";
	case KERNEL_IP6TABLES:
		return pipe_to("ip6tables-legacy-restore -T filter", rules)
		               ? NULL
		               : "ip6tables-legacy-restore refuses the rules";
	default:
		return pipe_to("nft -f -", rules) ? NULL : "nft refuses the rules";
	}
}

static const char *build(struct kernel *k, enum kernel_rules kind, const char *rules,
                         const char *ipsets)
{
	const char *problem;

	if (unshare(CLONE_NEWNET) != 0) {
		return "not permitted to create a network namespace";
	}
	for (unsigned i = 0; i < KERNEL_IFACES_LEN; i++) {
		k->tun[i] = tun_open(kernel_iface[i]);
		if (k->tun[i] < 0) {
			return "no tun devices";
		}
	}
	if (system(setup) != 0) {
		return "ip cannot set up devices and routes";
	}
	if (kind != KERNEL_IPTABLES && system(setup6) != 0) {
		return "ip cannot set up IPv6 addresses and routes";
	}
	if (strstr(rules, "fib ") != NULL && system(setup_routes) != 0) {
		return "ip cannot set up more routes";
	}
	if (system("ip link set lan0 group 7 && ip link set dmz0 group 3") != 0) {
		return "ip cannot put links into groups";
	}
	if (!pipe_to("nft -f -", log_rules)) {
		return "nft cannot load rules that match ct state and log";
	}
	problem = load(kind, rules, ipsets);
	if (problem != NULL) {
		return problem;
	}
	k->raw[0] = open_raw(AF_INET);
	k->raw[1] = open_raw(AF_INET6);
	k->state = verdict_log_open(GROUP_STATE);
	k->passed = verdict_log_open(GROUP_PASSED);
	if (k->raw[0] < 0 || (kind != KERNEL_IPTABLES && k->raw[1] < 0) || k->state == NULL ||
	    k->passed == NULL) {
		return "cannot open a raw socket or nfnetlink_log";
	}
	return NULL;
}

struct kernel *kernel_new(enum kernel_rules kind, const char *rules, const char *ipsets,
                          const char **why)
{
	struct kernel *k = calloc(1, sizeof(*k));

	*why = "out of memory";
	if (k == NULL) {
		return NULL;
	}
	memset(k->tun, 0xff, sizeof(k->tun));
	k->raw[0] = k->raw[1] = -1;
	*why = build(k, kind, rules, ipsets);
	if (*why != NULL) {
		kernel_free(k);
		return NULL;
	}
	return k;
}

void kernel_free(struct kernel *k)
{
	if (k == NULL) {
		return;
	}
	for (unsigned i = 0; i < KERNEL_IFACES_LEN; i++) {
		if (k->tun[i] >= 0) {
			close(k->tun[i]);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (k->raw[i] >= 0) {
			close(k->raw[i]);
		}
	}
	if (k->state != NULL) {
		mnl_socket_close(k->state);
	}
	if (k->passed != NULL) {
		mnl_socket_close(k->passed);
	}
	free(k);
}

bool kernel_reload(struct kernel *k, const char *rules)
{
	FILE *to = popen("nft -f - 2>/dev/null", "w");

	(void)k;
	if (to == NULL) {
		return false;
	}
	for (unsigned i = 0; i < 3; i++) {
		static const char *const families[] = { "inet", "ip", "ip6" };

		fprintf(to, "table %s t\ndelete table %s t\n", families[i], families[i]);
	}
	fputs(rules, to);
	return pclose(to) == 0;
}

uint32_t kernel_ifindex(unsigned iface)
{
	return if_nametoindex(kernel_iface[iface]);
}

unsigned kernel_iface_of(uint32_t addr)
{
	for (unsigned i = 1; i < KERNEL_IFACES_LEN; i++) {
		if ((addr & networks[i].mask) == networks[i].net) {
			return i;
		}
	}
	return 0;
}

bool kernel_is_local(uint32_t addr)
{
	for (unsigned i = 0; i < KERNEL_IFACES_LEN; i++) {
		if (addr == networks[i].local) {
			return true;
		}
	}
	return false;
}

/* The log reports the packet's verdict, so the result of sendto() is ignored. */
static void send_raw(const struct kernel *k, const uint8_t *packet, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };

	if (packet[0] >> 4 == 4) {
		memcpy(&to.sin_addr, packet + 16, 4);
		(void)!sendto(k->raw[0], packet, size, 0, (const struct sockaddr *)&to, sizeof(to));
	} else {
		memcpy(&to6.sin6_addr, packet + 24, 16);
		(void)!sendto(k->raw[1], packet, size, 0, (const struct sockaddr *)&to6,
		              sizeof(to6));
	}
}

int kernel_send(struct kernel *k, enum hook hook, unsigned iif, const uint8_t *packet, size_t size,
                struct sighting *state)
{
	struct sighting passed;
	int err;

	/* Under load a message about a packet of the kernel's own may arrive late. */
	verdict_log_discard(k->state);
	verdict_log_discard(k->passed);
	if (hook == HOOK_OUTPUT) {
		send_raw(k, packet, size);
	} else if (write(k->tun[iif], packet, size) != (ssize_t)size) {
		return -EIO;
	}
	err = verdict_log_read(k->state, 0, state);
	if (err == 0) {
		err = verdict_log_read(k->passed, 0, &passed);
	}
	return err != 0 ? err : passed.seen ? 1 : 0;
}
