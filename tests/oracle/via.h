/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole way: finwalld itself, behind a real queue on the path that the packets take anyway.
 *
 * Its rules mark each packet by the connection state it gave it and accept; log rules at
 * POSTROUTING turn the mark back into a verdict. So the daemon is asked for every packet that is
 * forwarded, right after the kernel's tracker.
 */
#ifndef ORACLE_VIA_H
#define ORACLE_VIA_H

#include "view.h"

#include <finwall/tunables.h>

struct via;

/*
 * Starts the daemon in the present namespace with these settings. Returns NULL when that fails:
 * with *why when it is the daemon's fault, with *skip when the machine cannot do it.
 */
struct via *via_new(const char *finwalld, const struct tunables *tun, const char **why,
                    const char **skip);
void via_free(struct via *v);

/* Waits for what the daemon said of the last packet. Returns 0 or -errno. */
int via_read(struct via *v, struct sighting *out);

#endif
