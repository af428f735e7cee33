/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side: a network namespace with rules of iptables, ip6tables or nft in it, four tun
 * devices named as in the rule sets, and the tracker on.
 *
 *	wan0  203.0.113.1     everything else
 *	lan0  192.168.1.1/24
 *	dmz0  192.168.2.1/24
 *	eth0  172.16.0.1/16
 *
 * Each of these addresses is there for IPv6 too, as the last 32 bits behind 2001:db8::.
 *
 * A packet for one of these addresses goes through INPUT, one from them through OUTPUT, all others
 * through FORWARD. What the host itself would say is dropped before the tracker sees it.
 */
#ifndef RULES_BED_H
#define RULES_BED_H

#include "../oracle/view.h"

#include <finwall/frame.h>

#include <stddef.h>
#include <stdint.h>

#define BED_IFACES_LEN 4

/* Packets of our own have it on their way out. */
#define BED_MARK UINT32_C(0x80000000)

extern const char *const bed_iface[BED_IFACES_LEN];

/* What language a rule set is in, which is also the families that it is about. */
enum bed_rules {
	BED_IPTABLES,  /* text of iptables-save */
	BED_IP6TABLES, /* of ip6tables-save */
	BED_NFT,       /* of nft list ruleset: both families */
};

struct bed;

/*
 * Moves the whole process into the new namespace and loads the rules.
 * Returns NULL when rights or parts of the kernel are missing, with the reason in *why.
 */
struct bed *bed_new(enum bed_rules kind, const char *rules, const char **why);
void bed_free(struct bed *b);

/* Interface index of a device, by its place in bed_iface. */
uint32_t bed_ifindex(const struct bed *b, unsigned iface);

/* Which interface an address (IPv4 in host order, or the last 32 bits) is behind. */
unsigned bed_iface_of(uint32_t addr);

/* True for the four addresses of the host. */
bool bed_is_local(uint32_t addr);

/* What the kernel did: state gets what its tracker said. Returns 1 = accepted, 0 = dropped, -errno.
 */
int bed_send(struct bed *b, enum hook hook, unsigned iif, const uint8_t *packet, size_t size,
             struct sighting *state);

#endif
