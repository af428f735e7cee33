/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with another TCP than the kernel's: lwIP, behind a tap device. Accepts connections on one
 * port over IPv4 and IPv6, and obeys commands.
 *
 *	lwip_peer TAP ADDR4 GATEWAY4 ADDR6 GATEWAY6 PORT
 *
 * The network masks are /24 and /64. A line on the standard input is a command; each is answered
 * with one line, after which its segments have been sent:
 *
 *	close PEER-PORT fin|rst|half    closes a connection, or its sending direction
 *	send PEER-PORT                  sends a byte
 *	states                          "states PEER-PORT=STATE ..." of all connections, as in RFC
 *9293
 *
 * A byte that arrives is answered with a byte. At end-of-file the connection is closed, unless it
 * has been closed by a command.
 */
#include <lwip/netif.h>
#include <lwip/sockets.h>
#include <lwip/tcpip.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define FRAME_MAX 1514
#define CONNS_MAX 1024

static struct netif interface;
static int tap = -1;

static struct {
	int fd; /* -1: closed */
	uint16_t port;
} conns[CONNS_MAX];
static unsigned conns_len;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0) {
		die(name);
	}
	return fd;
}

static err_t output(struct netif *nif, struct pbuf *p)
{
	uint8_t frame[FRAME_MAX];
	uint16_t size = pbuf_copy_partial(p, frame, sizeof(frame), 0);

	(void)nif;
	return write(tap, frame, size) == size ? ERR_OK : ERR_IF;
}

static err_t init_interface(struct netif *nif)
{
	static const uint8_t address[6] = { 2, 0, 0, 0, 0, 7 };

	memcpy(nif->hwaddr, address, sizeof(address));
	nif->hwaddr_len = sizeof(address);
	nif->name[0] = 't';
	nif->name[1] = 'p';
	nif->mtu = 1500;
	nif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
	             NETIF_FLAG_LINK_UP | NETIF_FLAG_MLD6;
	nif->output = etharp_output;
	nif->output_ip6 = ethip6_output;
	nif->linkoutput = output;
	return ERR_OK;
}

static void *receive(void *arg)
{
	uint8_t frame[FRAME_MAX];
	ssize_t size;

	while ((size = read(tap, frame, sizeof(frame))) > 0) {
		struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)size, PBUF_POOL);

		if (p == NULL) {
			continue;
		}
		(void)pbuf_take(p, frame, (uint16_t)size);
		if (interface.input(p, &interface) != ERR_OK) {
			pbuf_free(p);
		}
	}
	return arg;
}

static void start_interface(char **argv)
{
	ip4_addr_t address;
	ip4_addr_t mask;
	ip4_addr_t gateway;
	ip6_addr_t address6;
	pthread_t receiver;

	tap = open_tap(argv[1]);
	tcpip_init(NULL, NULL);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	if (!ip4addr_aton(argv[2], &address) || !ip4addr_aton(argv[3], &gateway) ||
	    !ip6addr_aton(argv[4], &address6)) {
		fprintf(stderr, "lwip_peer: invalid address\n");
		exit(2);
	}
	LOCK_TCPIP_CORE();
	if (netif_add(&interface, &address, &mask, &gateway, NULL, init_interface, tcpip_input) ==
	    NULL) {
		die("netif_add");
	}
	netif_create_ip6_linklocal_address(&interface, 1);
	netif_ip6_addr_set(&interface, 1, &address6);
	netif_ip6_addr_set_state(&interface, 0, IP6_ADDR_PREFERRED);
	netif_ip6_addr_set_state(&interface, 1, IP6_ADDR_PREFERRED);
	netif_set_default(&interface);
	netif_set_up(&interface);
	UNLOCK_TCPIP_CORE();
	if (pthread_create(&receiver, NULL, receive, NULL) != 0) {
		die("pthread_create");
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = lwip_htons(port) };
	int fd = lwip_socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0 || lwip_bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
	    lwip_listen(fd, 64) != 0) {
		die("listen");
	}
	return fd;
}

static void accept_one(int listener)
{
	struct sockaddr_in6 from;
	socklen_t size = sizeof(from);
	int fd = lwip_accept(listener, (struct sockaddr *)&from, &size);

	if (fd < 0 || conns_len == CONNS_MAX) {
		return;
	}
	conns[conns_len].fd = fd;
	conns[conns_len++].port = lwip_ntohs(from.sin6_port);
}

/* SO_LINGER makes a FIN of lwIP 2.1's sockets. */
static void reset(uint16_t port)
{
	LOCK_TCPIP_CORE();
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (pcb->remote_port == port) {
			tcp_abort(pcb);
			break;
		}
	}
	UNLOCK_TCPIP_CORE();
}

static void close_one(unsigned i, const char *how)
{
	if (strcmp(how, "half") == 0) {
		(void)lwip_shutdown(conns[i].fd, SHUT_WR);
		return;
	}
	if (strcmp(how, "rst") == 0) {
		reset(conns[i].port);
	}
	(void)lwip_close(conns[i].fd);
	conns[i].fd = -1;
}

static void read_one(unsigned i)
{
	char c;
	ssize_t size = lwip_recv(conns[i].fd, &c, 1, MSG_DONTWAIT);

	if (size > 0) {
		(void)lwip_send(conns[i].fd, &c, 1, 0);
	} else if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
		close_one(i, "fin");
	}
}

static const char *state_name(enum tcp_state state)
{
	static const char *const names[] = { "closed",  "LISTEN",     "SYN-SENT",   "SYN-RECV",
		                             "ESTAB",   "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
		                             "CLOSING", "LAST-ACK",   "TIME-WAIT" };

	return names[state];
}

static void print_list(const struct tcp_pcb *pcb, uint16_t port)
{
	for (; pcb != NULL; pcb = pcb->next) {
		if (pcb->local_port == port) {
			printf(" %u=%s", pcb->remote_port, state_name(pcb->state));
		}
	}
}

static void print_states(uint16_t port)
{
	printf("states");
	LOCK_TCPIP_CORE();
	print_list(tcp_active_pcbs, port);
	print_list(tcp_tw_pcbs, port);
	UNLOCK_TCPIP_CORE();
	printf("\n");
}

static void obey(char *line, uint16_t own_port)
{
	char word[16];
	char how[16] = "";
	unsigned port = 0;

	if (sscanf(line, "%15s %u %15s", word, &port, how) < 1) {
		return;
	}
	if (strcmp(word, "states") == 0) {
		print_states(own_port);
		return;
	}
	for (unsigned i = 0; i < conns_len; i++) {
		if (conns[i].port == port && conns[i].fd >= 0) {
			if (strcmp(word, "send") == 0) {
				(void)lwip_send(conns[i].fd, "s", 1, 0);
			} else {
				close_one(i, how);
			}
			printf("done\n");
			return;
		}
	}
	printf("none\n");
}

int main(int argc, char **argv)
{
	struct pollfd fds[CONNS_MAX + 1];
	char line[128];
	uint16_t port;
	int listener;

	if (argc != 7) {
		fprintf(stderr, "usage: lwip_peer TAP ADDR4 GATEWAY4 ADDR6 GATEWAY6 PORT\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[6]);
	start_interface(argv);
	listener = listen_on(port);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("ready\n");
	for (;;) {
		struct pollfd input = { .fd = 0, .events = POLLIN };
		unsigned len = 1;

		fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
		for (unsigned i = 0; i < conns_len; i++) {
			if (conns[i].fd >= 0) {
				fds[len++] = (struct pollfd){ .fd = conns[i].fd, .events = POLLIN };
			}
		}
		(void)lwip_poll(fds, len, 5);
		if ((fds[0].revents & POLLIN) != 0) {
			accept_one(listener);
		}
		for (unsigned i = 0; i < conns_len; i++) {
			if (conns[i].fd >= 0) {
				read_one(i);
			}
		}
		while (poll(&input, 1, 0) > 0) {
			if (fgets(line, sizeof(line), stdin) == NULL) {
				return 0;
			}
			obey(line, port);
		}
	}
}
