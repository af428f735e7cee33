/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink: entries by tuple. Knows the messages and one socket, nothing of the rest.
 */
#ifndef ORACLE_CTNL_H
#define ORACLE_CTNL_H

#include "kern.h"

struct mnl_socket;

int ctnl_find(struct mnl_socket *nl, const struct tuple *t, struct view *out);
/* t NULL: all */
int ctnl_delete(struct mnl_socket *nl, const struct tuple *t);
int ctnl_dump(struct mnl_socket *nl, kern_each_fn *each, void *ctx);

#endif
