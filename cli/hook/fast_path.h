/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps and programs of the kernel fast path, pinned in a bpffs beside the control socket: made
 * before the hook rules that use them, removed after them.
 */
#ifndef FINWALL_CLI_HOOK_FAST_PATH_H
#define FINWALL_CLI_HOOK_FAST_PATH_H

#include "bpf/lease_program.h"
#include "io/lease_pins.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the pins below the directory of the control socket, for its user, unless there are some
 * that fit: those hold the connections that the daemon has leased. Returns 0 with the directory in
 * dir, or -errno with the reason in why.
 */
int hook_fast_path_make(const char *socket_path, uint32_t leases_max, char dir[LEASE_PATH_SIZE],
                        char why[LEASE_WHY_SIZE]);

/* Removes the pins and their directory, if there are any. */
void hook_fast_path_remove(const char *socket_path);

/* Unmounts the bpffs and removes its directory if nothing is pinned there. */
void hook_fast_path_unmount(const char *socket_path);

#endif
