/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States reported by nfnetlink_log, one message per packet without delay. The prefix of the log
 * rule encodes the state as a letter and the direction as a digit ("N0", "E1" ...).
 */
#ifndef ORACLE_VERDICT_LOG_H
#define ORACLE_VERDICT_LOG_H

#include "view.h"

struct mnl_socket;

/* Binds the log group in the current namespace. Returns NULL on an error. */
struct mnl_socket *verdict_log_open(uint16_t group);

/*
 * Reads the message of the last packet; waits at most timeout_ms. Without a message out->seen stays
 * false. Returns 0 or -errno.
 */
int verdict_log_read(struct mnl_socket *nl, int timeout_ms, struct sighting *out);

/* Discards all messages that have arrived. */
void verdict_log_discard(struct mnl_socket *nl);

#endif
