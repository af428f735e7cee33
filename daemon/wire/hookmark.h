/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet marks between the daemon and the hook rules that feed its queues.
 *
 * A rejected packet passes the same hook once more (NF_REPEAT), with a mark for the kind of reject.
 * Rules before the queue rule match the mark and send the error. For iptables, first in each chain
 * that queues, by mark:
 *
 *   0x66770000  -j REJECT --reject-with icmp-port-unreachable   (IPv6: icmp6-port-unreachable)
 *   0x66770001  -j REJECT --reject-with icmp-host-unreachable   (IPv6: icmp6-addr-unreachable)
 *   0x66770002  -j REJECT --reject-with icmp-net-unreachable    (IPv6: icmp6-no-route)
 *   0x66770003  -j REJECT --reject-with icmp-admin-prohibited   (IPv6: icmp6-adm-prohibited)
 *   0x66770004  -p tcp -j REJECT --reject-with tcp-reset
 *   0x66770000/0xffffff00  -j DROP
 *
 * The last rule drops packets that match no other: a TCP reset for another protocol. 0x66770100
 * marks packets that finwall sends; the hook rules accept them without queueing.
 *
 * Without these rules the packet is queued again: the daemon drops it and counts it as
 * reject-loops. The range 0x66770000-0x667701ff is reserved for finwall.
 *
 * With the setting `hook compare-kernel on`, rules directly before the queue rule write the state
 * of the kernel's tracker into the upper 8 bits of the mark:
 *
 *   -m conntrack --ctstate NEW          -j MARK --set-xmark 0x51000000/0xff000000
 *   -m conntrack --ctstate ESTABLISHED  -j MARK --set-xmark 0x52000000/0xff000000
 *   -m conntrack --ctstate RELATED      -j MARK --set-xmark 0x53000000/0xff000000
 *   -m conntrack --ctstate INVALID      -j MARK --set-xmark 0x54000000/0xff000000
 *   -m conntrack --ctstate UNTRACKED    -j MARK --set-xmark 0x55000000/0xff000000
 *
 * With that setting other marks must use the lower 24 bits only, which stay unchanged. The daemon
 * clears the upper 8 bits before rules are evaluated, and each accept verdict sets the packet's
 * mark to the lower 24 bits, or to the mark that a rule sets.
 */
#ifndef FINWALL_WIRE_HOOKMARK_H
#define FINWALL_WIRE_HOOKMARK_H

#include <finwall/compare.h>
#include <finwall/ruleset.h>

#include <stdint.h>

#define HOOKMARK_REJECT      0x66770000u
#define HOOKMARK_REJECT_MASK 0xffffff00u

/* The mark of resets and keepalives, which the hook rules accept without queueing. */
#define HOOKMARK_OWN 0x66770100u

static inline uint32_t hookmark_reject(enum reject_with with)
{
	return HOOKMARK_REJECT | (uint32_t)with;
}

static inline int hookmark_is_reject(uint32_t mark)
{
	return (mark & HOOKMARK_REJECT_MASK) == HOOKMARK_REJECT;
}

/* The kernel tracker's state of the packet: base value, bits, and position. */
#define HOOKMARK_KERNEL       0x50000000u
#define HOOKMARK_KERNEL_MASK  0xff000000u
#define HOOKMARK_KERNEL_SHIFT 24

static inline uint32_t hookmark_kernel(enum kernel_state state)
{
	return HOOKMARK_KERNEL + ((uint32_t)state << HOOKMARK_KERNEL_SHIFT);
}

/* Returns KERNEL_UNTOLD for any other mark. */
static inline enum kernel_state hookmark_kernel_state(uint32_t mark)
{
	uint32_t nr = (mark >> HOOKMARK_KERNEL_SHIFT) - (HOOKMARK_KERNEL >> HOOKMARK_KERNEL_SHIFT);

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
