/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts that come back by nfnetlink_log, one message per packet at once. The prefix of the log
 * rule says all: a letter for the state, a digit for the direction ("N0", "E1" ...).
 */
#ifndef ORACLE_VERDICT_LOG_H
#define ORACLE_VERDICT_LOG_H

#include "view.h"

struct mnl_socket;

/* Binds the log group in the present namespace. NULL when that fails. */
struct mnl_socket *verdict_log_open(uint16_t group);

/*
 * Reads the verdict of the last packet, waiting for it at most timeout_ms. Without one out->seen
 * stays false. Returns 0 or -errno.
 */
int verdict_log_read(struct mnl_socket *nl, int timeout_ms, struct sighting *out);

#endif
