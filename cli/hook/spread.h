/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the queue by addresses and ports in iptables, whose NFQUEUE target hashes addresses only:
 * a classic BPF program for the bpf match computes the queue.
 *
 * No packet mark is written, so marks of other rules are not changed. The hash is symmetric: both
 * directions of a connection have the same queue, and its packets with and without extension
 * headers (up to two). Fragments, protocols without ports, and IPv6 packets with more extension
 * headers, or with other ones than hop-by-hop, routing and destination options, are spread by
 * addresses and protocol; ICMP errors by their own addresses.
 */
#ifndef FINWALL_CLI_HOOK_SPREAD_H
#define FINWALL_CLI_HOOK_SPREAD_H

#include "hook/text.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Writes the argument of --bytecode: a program that matches the packets whose queue, 0 to
 * queues - 1, is below end. end is at least 1.
 */
void hook_spread_bytecode(FILE *to, enum hook_family family, uint32_t queues, uint32_t end);

#endif
