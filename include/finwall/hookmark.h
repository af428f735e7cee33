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
 */
#ifndef FINWALL_HOOKMARK_H
#define FINWALL_HOOKMARK_H

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

_Static_assert(REJECT_PORT_UNREACHABLE == 0 && REJECT_HOST_UNREACHABLE == 1 &&
                       REJECT_NET_UNREACHABLE == 2 && REJECT_ADMIN_PROHIBITED == 3 &&
                       REJECT_TCP_RESET == 4 && REJECTS_LEN == 5,
               "the marks are written in hook rules");

#endif
