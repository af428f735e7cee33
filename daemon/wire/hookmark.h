/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet marks between the daemon and the hook rules that feed its queues.
 *
 * Packets that finwall sends have the mark of the setting `hook mark`: answers to rejected packets,
 * resets and keepalives. The hook rules accept them without queueing, by rules before the queue
 * rule: in the output hook, and in the input hook for the loopback device, where the mark stays.
 *
 *   OUTPUT      -m mark --mark 0xa0000000/0xf0000000  -j ACCEPT
 *   INPUT -i lo -m mark --mark 0xa0000000/0xf0000000  -j ACCEPT
 *
 * Queue rules written by hand can test the mark themselves, so that no rule accepts before them:
 *
 *   -m mark ! --mark 0xa0000000/0xf0000000  -j NFQUEUE ...
 *
 * Only a process with CAP_NET_ADMIN or CAP_NET_RAW, or another rule, can set a mark. Other bits of
 * the mark than those of the mask are never tested and never set.
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

#include <stdint.h>

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

#endif
