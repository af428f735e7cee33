/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs another program, feeds it text and keeps what it says. No shell is ever involved.
 */
#ifndef FINWALL_CLI_RUN_H
#define FINWALL_CLI_RUN_H

#include <stddef.h>

/* What a program said and how it ended; run_result_fini() frees the texts, which are never NULL. */
struct run_result {
	int exit_status; /* 0..255; 256 + signal when it was killed */
	char *out;
	char *err;
};

/*
 * Runs argv[0] with these arguments and this standard input (NULL = empty) and waits for it, at
 * most timeout_ms; then it is killed. Looks for it in PATH, and where administrators' programs are
 * even if PATH does not say so. Returns 0, -ENOENT when there is no such program, -ETIMEDOUT, or
 * another -errno; the result is set only with 0.
 */
int run_program(const char *const argv[], const char *input, int timeout_ms,
                struct run_result *result);

void run_result_fini(struct run_result *result);

#endif
