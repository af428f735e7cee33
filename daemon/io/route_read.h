/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the kernel's routes, and notices changes of them, by rtnetlink. Needs no rights.
 */
#ifndef FINWALL_IO_ROUTE_READ_H
#define FINWALL_IO_ROUTE_READ_H

#include <finwall/routes.h>

#include <stdbool.h>
#include <stdint.h>

/* Reads what (ROUTES_*) into the zeroed *out, which the caller frees with route_dump_fini() in any
 * case. Returns 0, or -errno. */
int route_read(uint32_t what, struct route_dump *out);

/* Opens a socket that is readable after changes of routes, rules, addresses and links. Returns the
 * descriptor, which the caller closes, or -errno. */
int route_changes_open(void);

/* Reads the notices of changes. Returns true if there was one, or if some were lost. */
bool route_changes_take(int fd);

#endif
