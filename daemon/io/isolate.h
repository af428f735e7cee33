/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a function in a child process, with bounded time and memory: whatever it does, the daemon
 * keeps running.
 *
 * The child is a fork of a process that may have threads, so the function may allocate memory and
 * read files, but must not wait for another thread.
 */
#ifndef FINWALL_IO_ISOLATE_H
#define FINWALL_IO_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs in the child. Returns 0 for success, or 1 to 125; *text may be set to a malloc'd text for
 * the parent.
 */
typedef int isolate_fn(void *ctx, char **text);

struct isolate_limits {
	unsigned time_s;
	size_t memory_bytes; /* that it may allocate; not limited in a build with sanitizers */
};

struct isolate_result {
	int status;    /* what fn returned; -1 when it did not return */
	int by_signal; /* the signal that ended the child, or 0 */
	bool is_late;  /* the time was over */
	char *text;    /* malloc'd, never NULL after success; the caller frees it */
};

/* Returns 0 with *out when a child was run, or -errno. */
int isolate_run(isolate_fn *fn, void *ctx, const struct isolate_limits *limits,
                struct isolate_result *out);

#endif
