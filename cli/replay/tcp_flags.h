/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP flags as tcpdump prints them.
 */
#ifndef FINWALL_CLI_REPLAY_TCP_FLAGS_H
#define FINWALL_CLI_REPLAY_TCP_FLAGS_H

#include <stdint.h>

/* One letter per flag, "SA". Writes up to 9 bytes. Returns out. */
char *tcp_flags_text(uint8_t flags, char *out);

#endif
