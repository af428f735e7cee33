/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routes that a replay assumes: the addresses of --local are local, and all others can be
 * reached over both interfaces.
 */
#ifndef FINWALL_CLI_REPLAY_LOCAL_ROUTES_H
#define FINWALL_CLI_REPLAY_LOCAL_ROUTES_H

#include "replay/replay.h"

#include <finwall/routes.h>

/* Returns NULL if memory runs out. The caller frees it with routes_free(). */
struct rs_routes *local_routes_new(const struct replay_vantage *vantage, uint32_t iif,
                                   uint32_t oif);

#endif
