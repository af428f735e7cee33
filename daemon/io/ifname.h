/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface names: packets have indexes, rules and output have names.
 *
 * Main thread only, but for ifname_query().
 */
#ifndef FINWALL_IO_IFNAME_H
#define FINWALL_IO_IFNAME_H

#include <finwall/ruleset.h>

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct ifnames;

/* Reads all interfaces and subscribes to changes. Returns 0 with *out, or -errno. */
int ifnames_open(struct ifnames **out);
void ifnames_close(struct ifnames *n);

/* Returns a descriptor, readable when a link has changed; then call ifnames_update(). */
int ifnames_fd(const struct ifnames *n);

/* Reads the changes and applies them to the interface names of rs. Does not block. */
void ifnames_update(struct ifnames *n, struct ruleset *rs);

/* Applies all interface names to a new ruleset. */
void ifnames_apply(const struct ifnames *n, struct ruleset *rs);

/* Asks the kernel for the name of an interface. Returns false when there is none. Any thread. */
bool ifname_query(uint32_t ifindex, char name[static IFNAMSIZ]);

/* Returns the index of an interface, or 0 when there is none of this name. */
uint32_t ifnames_find(const struct ifnames *n, const char *name);

/* Writes the name of an interface: "" for index 0, its number if unknown. Returns name. */
const char *ifnames_get(const struct ifnames *n, uint32_t ifindex, char name[IFNAMSIZ]);

#endif
