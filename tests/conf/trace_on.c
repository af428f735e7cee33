/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a parser that was generated with traces write them, to standard error. */
extern int policy_debug;

static __attribute__((constructor)) void trace_on(void)
{
	policy_debug = 1;
}
