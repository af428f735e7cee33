/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spreading packets over queues by addresses and ports, where the tool knows only addresses: a
 * program for the bpf match of iptables (classic BPF) that computes the queue.
 *
 * No mark is written, so none can be in the way of anybody's. Both ends count alike: the directions
 * of a connection go to one queue. Fragments, protocols without ports, and IPv6 packets with
 * extension headers are spread by addresses; so are ICMP errors, by those of their own sender.
 */
#ifndef FINWALL_CLI_HOOK_SPREAD_H
#define FINWALL_CLI_HOOK_SPREAD_H

#include "hook/text.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Writes the argument of --bytecode for a program that matches a packet whose queue, of `queues`
 * from 0 on, is below `end`; end is at least 1.
 */
void hook_spread_bytecode(FILE *to, enum hook_family family, uint32_t queues, uint32_t end);

#endif
