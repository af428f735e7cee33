/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opener: opens descriptors for the daemon (opener.h), and starts its raw packet sender. It has
 * the rights that the daemon then does not need: CAP_NET_RAW, IP sockets, the group root.
 */
#ifndef FINWALL_IO_OPENER_SERVE_H
#define FINWALL_IO_OPENER_SERVE_H

/*
 * Answers requests on the listening socket fd until a fatal error; lease_dir: of the pins of the
 * kernel fast path. Clients are those of this user. Returns -errno; -EPROTO after a request of
 * another version: the caller should be replaced by its own.
 */
int opener_serve(int fd, const char *lease_dir);

/* Makes the listening socket, in place of one that is left. Returns it, or -errno. */
int opener_listen(const char *path);

#endif
