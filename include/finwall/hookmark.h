/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks between the daemon and the rules that queue packets to it: how a packet gets rejected.
 *
 * A verdict can drop a packet but cannot tell its sender. So the daemon answers NF_REPEAT and sets
 * one of these marks; the packet runs through the same hook again, whose first rules know the mark
 * and reject it in the kernel's own way. The mark replaces the one the packet had, which is lost
 * with it.
 */
#ifndef FINWALL_HOOKMARK_H
#define FINWALL_HOOKMARK_H

#include <finwall/ruleset.h>

#include <stdint.h>

#define HOOKMARK_REJECT 0x66770000u /* + enum reject_with */
#define HOOKMARK_MASK   0xffff0000u

static inline uint32_t hookmark_reject(enum reject_with with)
{
	return HOOKMARK_REJECT | (uint32_t)with;
}

#endif
