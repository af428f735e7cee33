/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the hook rules: nft's table, and chains in iptables; the mark of the kernel's part. finwall hook installs them, the
 * daemon finds them.
 */
#ifndef FINWALL_WIRE_HOOK_NAMES_H
#define FINWALL_WIRE_HOOK_NAMES_H

#define HOOK_NFT_TABLE "finwall_hook"

/* The comment of a table with a part of the configuration, followed by the hash of the part. */
#define KERNEL_PART_MARK "finwall kernel part "

#define HOOK_IPTABLES_INPUT   "FINWALL_INPUT"
#define HOOK_IPTABLES_FORWARD "FINWALL_FORWARD"
#define HOOK_IPTABLES_OUTPUT  "FINWALL_OUTPUT"
/* Of earlier versions; removed. */
#define HOOK_IPTABLES_REJECT "FINWALL_REJECT"
#define HOOK_IPTABLES_DEFRAG "FINWALL_DEFRAG"

#endif
