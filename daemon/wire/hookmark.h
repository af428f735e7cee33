/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet marks between the daemon and the hook rules that feed its queues.
 *
 * A rejected packet is sent through the same hook once more (NF_REPEAT) with a mark that says how
 * its sender is to be told; rules in front of the queue rule meet it and do so. In iptables words,
 * first in each chain that queues, by mark:
 *
 *   0x66770000  -j REJECT --reject-with icmp-port-unreachable   (IPv6: icmp6-port-unreachable)
 *   0x66770001  -j REJECT --reject-with icmp-host-unreachable   (IPv6: icmp6-addr-unreachable)
 *   0x66770002  -j REJECT --reject-with icmp-net-unreachable    (IPv6: icmp6-no-route)
 *   0x66770003  -j REJECT --reject-with icmp-admin-prohibited   (IPv6: icmp6-adm-prohibited)
 *   0x66770004  -p tcp -j REJECT --reject-with tcp-reset
 *   0x66770000/0xffffff00  -j DROP
 *
 * The last one drops what the others did not match (a TCP reset for something that is not TCP).
 * 0x66770100 marks what finwall sends itself and is accepted without being queued.
 *
 * Where these rules are missing the packet comes back to the queue; the daemon then drops it and
 * counts it as reject-loops. The range is finwall's: nothing else may use it.
 *
 * With the setting `hook compare-kernel on`, the rules right before the queue rule write the state
 * that the kernel's own tracker gave the packet into the upper 8 bits:
 *
 *   -m conntrack --ctstate NEW          -j MARK --set-xmark 0x51000000/0xff000000
 *   -m conntrack --ctstate ESTABLISHED  -j MARK --set-xmark 0x52000000/0xff000000
 *   -m conntrack --ctstate RELATED      -j MARK --set-xmark 0x53000000/0xff000000
 *   -m conntrack --ctstate INVALID      -j MARK --set-xmark 0x54000000/0xff000000
 *   -m conntrack --ctstate UNTRACKED    -j MARK --set-xmark 0x55000000/0xff000000
 *
 * So with that setting other marks must keep to the lower 24 bits, which are left alone. The daemon
 * takes the upper 8 bits away again: its rules do not see them, and each verdict that accepts the
 * packet sets its mark back to the lower 24 bits (or to what a rule of the daemon's sets).
 */
#ifndef FINWALL_WIRE_HOOKMARK_H
#define FINWALL_WIRE_HOOKMARK_H

#include <finwall/compare.h>
#include <finwall/ruleset.h>

#include <stdint.h>

#define HOOKMARK_REJECT      0x66770000u
#define HOOKMARK_REJECT_MASK 0xffffff00u

/* Segments that finwall sends itself (resets, keepalives): the hook rules let them pass unqueued.
 */
#define HOOKMARK_OWN 0x66770100u

static inline uint32_t hookmark_reject(enum reject_with with)
{
	return HOOKMARK_REJECT | (uint32_t)with;
}

static inline int hookmark_is_reject(uint32_t mark)
{
	return (mark & HOOKMARK_REJECT_MASK) == HOOKMARK_REJECT;
}

/* The kernel's state for the packet, and which bits say it. */
#define HOOKMARK_KERNEL      0x50000000u
#define HOOKMARK_KERNEL_MASK 0xff000000u

static inline uint32_t hookmark_kernel(enum kernel_state state)
{
	return HOOKMARK_KERNEL + ((uint32_t)state << 24);
}

/* KERNEL_UNTOLD where the mark is not one of these. */
static inline enum kernel_state hookmark_kernel_state(uint32_t mark)
{
	uint32_t nr = (mark >> 24) - (HOOKMARK_KERNEL >> 24);

	return nr >= KERNEL_NEW && nr <= KERNEL_UNTRACKED ? (enum kernel_state)nr : KERNEL_UNTOLD;
}

_Static_assert(KERNEL_NEW == 1 && KERNEL_ESTABLISHED == 2 && KERNEL_RELATED == 3 &&
                       KERNEL_INVALID == 4 && KERNEL_UNTRACKED == 5,
               "the marks are written in hook rules");

_Static_assert(REJECT_PORT_UNREACHABLE == 0 && REJECT_HOST_UNREACHABLE == 1 &&
                       REJECT_NET_UNREACHABLE == 2 && REJECT_ADMIN_PROHIBITED == 3 &&
                       REJECT_TCP_RESET == 4 && REJECTS_LEN == 5,
               "the marks are written in hook rules");

#endif
