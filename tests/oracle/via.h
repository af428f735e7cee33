/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The complete path: finwalld behind a real queue in the path that the packets take anyway.
 *
 * Its rules mark each packet with its connection state and accept it. Log rules at POSTROUTING
 * report the mark. So the daemon decides every forwarded packet, immediately after the kernel's
 * tracker.
 */
#ifndef ORACLE_VIA_H
#define ORACLE_VIA_H

#include "view.h"

#include <finwall/tunables.h>

struct via;

/*
 * Starts the daemon in the current namespace with these settings. Returns NULL on an error: with
 * *why if the daemon failed, with *skip if the machine is not suitable.
 */
struct via *via_new(const char *finwalld, const struct tunables *tun, const char **why,
                    const char **skip);
void via_free(struct via *v);

/* Waits for the daemon's verdict of the last packet. Returns 0 or -errno. */
int via_read(struct via *v, struct sighting *out);

#endif
