/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs another program with a given input and keeps its output. No shell is involved.
 */
#ifndef FINWALL_CLI_RUN_H
#define FINWALL_CLI_RUN_H

#include <stddef.h>

/* Added to the signal number in exit_status. */
#define RUN_SIGNALLED 256

/* Output and exit status of a program. The texts are never NULL; run_result_fini() frees them. */
struct run_result {
	int exit_status; /* 0..255; RUN_SIGNALLED + signal if it was killed */
	char *out;
	char *err;
};

/*
 * Runs argv[0] with these arguments and this standard input (NULL = empty), and waits for its end.
 * Kills it after timeout_ms. Searches PATH, then the sbin directories. Returns 0, -ENOENT if there
 * is no such program, -ETIMEDOUT, or another -errno; sets *result only with 0.
 */
int run_program(const char *const argv[], const char *input, int timeout_ms,
                struct run_result *result);

void run_result_fini(struct run_result *result);

#endif
