/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enables the trace of a parser that was generated with --debug; it writes to standard error.
 */
extern int policy_debug;

static __attribute__((constructor)) void trace_on(void)
{
	policy_debug = 1;
}
