/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control interface org.finwall.Control: what can be asked of a running daemon.
 *
 * Runs on the main loop. finwall(8) describes the methods, ctl_interface.c has them in Varlink's
 * own language.
 */
#ifndef FINWALL_CTL_CMD_H
#define FINWALL_CTL_CMD_H

#include "daemon.h"

/*
 * Listens at socket_path; the engine and the workers are there. Returns 0/-errno, -EADDRINUSE when
 * another daemon answers there. ctl_stop() ends it; it is fine without a start.
 */
int ctl_start(struct daemon *d, const char *socket_path);
void ctl_stop(struct daemon *d);

/* ctl_events.c: hands an event to the clients that asked for such; never blocks. */
void ctl_tell_event(struct daemon *d, const struct event *ev);

#endif
