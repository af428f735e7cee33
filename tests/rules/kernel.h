/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side: a network namespace with rules of iptables, ip6tables or nft, four tun devices
 * named as in the rule sets, and the tracker enabled.
 *
 *	wan0  203.0.113.1     every other address
 *	lan0  192.168.1.1/24
 *	dmz0  192.168.2.1/24
 *	eth0  172.16.0.1/16
 *
 * For IPv6 each address is the last 32 bits after 2001:db8::.
 *
 * A packet to one of these addresses passes INPUT, one from them OUTPUT, all others FORWARD.
 * Packets that the host itself sends are dropped before the tracker.
 */
#ifndef RULES_KERNEL_H
#define RULES_KERNEL_H

#include "../oracle/view.h"

#include <finwall/frame.h>

#include <stddef.h>
#include <stdint.h>

#define KERNEL_IFACES_LEN 4

/* The mark of the test's own packets on output. */
#define KERNEL_MARK UINT32_C(0x80000000)

extern const char *const kernel_iface[KERNEL_IFACES_LEN];

/* The language of a rule set, which also selects the families. */
enum kernel_rules {
	KERNEL_IPTABLES,  /* output of iptables-save */
	KERNEL_IP6TABLES, /* output of ip6tables-save */
	KERNEL_NFT,       /* output of nft list ruleset: both families */
};

struct kernel;

/*
 * Moves the process into a new namespace and loads the rules, after the sets of "ipset save" unless
 * ipsets is NULL. Returns NULL with the reason in *why
 * if privileges or kernel features are missing.
 */
struct kernel *kernel_new(enum kernel_rules kind, const char *rules, const char *ipsets,
                          const char **why);
void kernel_free(struct kernel *k);

/* Replaces table t of every family. Returns false if nft refuses the rules. */
bool kernel_reload(struct kernel *k, const char *rules);

/* The interface index of device `iface` of kernel_iface. */
uint32_t kernel_ifindex(unsigned iface);

/* The interface to which an address is routed (IPv4 in host order, or the last 32 bits). */
unsigned kernel_iface_of(uint32_t addr);

/* Returns true for the four addresses of the host. */
bool kernel_is_local(uint32_t addr);

/*
 * Sends a packet and reads the kernel's result: the tracker's state goes to *state. Returns 1 if
 * accepted, 0 if dropped, -errno on an error.
 */
int kernel_send(struct kernel *k, enum hook hook, unsigned iif, const uint8_t *packet, size_t size,
                struct sighting *state);

#endif
