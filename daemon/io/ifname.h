/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface names: packets carry indexes, rules and people use names.
 *
 * Main thread only.
 */
#ifndef FINWALL_IO_IFNAME_H
#define FINWALL_IO_IFNAME_H

#include <finwall/ruleset.h>

#include <net/if.h>
#include <stdint.h>

struct ifnames;

/* Learns of all interfaces. Returns 0/-errno. */
int ifnames_open(struct ifnames **out);
void ifnames_close(struct ifnames *n);

/* Readable when a link has changed; call ifnames_update() then. */
int ifnames_fd(const struct ifnames *n);

/* Takes in what has changed and tells rs of it. */
void ifnames_update(struct ifnames *n, struct ruleset *rs);

/* Tells a new ruleset of all interfaces. */
void ifnames_tell(const struct ifnames *n, struct ruleset *rs);

/* The name of an interface; "" for index 0, its number where it is not known. Returns name. */
const char *ifnames_get(const struct ifnames *n, uint32_t ifindex, char name[IFNAMSIZ]);

#endif
