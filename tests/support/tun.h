/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tun device of the current network namespace, through which a test sends packets to the kernel.
 */
#ifndef FINWALL_TESTS_TUN_H
#define FINWALL_TESTS_TUN_H

/*
 * Creates the device (IP packets without a header in front; reads and writes do not block). Returns
 * its descriptor, which the caller closes, or -errno.
 */
int tun_open(const char *name);

#endif
