/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the pins of the kernel fast path: the command line makes them, hook rules and the daemon
 * use them. */
#ifndef FINWALL_WIRE_LEASE_NAMES_H
#define FINWALL_WIRE_LEASE_NAMES_H

#include <finwall/frame.h>

/* The directory of the pins, beside the control socket. */
#define LEASE_DIR_NAME "fast-path"

enum lease_map_nr {
	LEASE_MAP_CONTROL,
	LEASE_MAP_BUCKETS,
	LEASE_MAP_LEASES,
	LEASE_MAP_NOTES,
	LEASE_MAPS_LEN,
};

/* Of the maps, and of their pins. */
static const char *const lease_map_names[LEASE_MAPS_LEN] = {
	[LEASE_MAP_CONTROL] = "control",
	[LEASE_MAP_BUCKETS] = "buckets",
	[LEASE_MAP_LEASES] = "leases",
	[LEASE_MAP_NOTES] = "notes",
};

/* Of the pins of the programs. */
static const char *const lease_program_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "input",
	[HOOK_FORWARD] = "forward",
	[HOOK_OUTPUT] = "output",
};

#endif
