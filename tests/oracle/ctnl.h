/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink: finds, deletes and lists entries by tuple. Uses one socket.
 */
#ifndef ORACLE_CTNL_H
#define ORACLE_CTNL_H

#include "kern.h"

struct mnl_socket;

int ctnl_find(struct mnl_socket *nl, const struct tuple *t, struct view *out);
/* t == NULL: all entries. */
int ctnl_delete(struct mnl_socket *nl, const struct tuple *t);
int ctnl_dump(struct mnl_socket *nl, kern_each_fn *each, void *ctx);

#endif
