/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line goes to standard error, so that standard output has results only.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_LEN 30

void progress_show(unsigned done, unsigned all, const char *what)
{
	static const char full[] = "##############################";
	static const char empty[] = "..............................";
	unsigned bar = all == 0 ? 0 : done * BAR_LEN / all;

	if (isatty(STDERR_FILENO) == 0) {
		return;
	}
	fprintf(stderr, "\r\033[K[%.*s%.*s] %u/%u %.40s", (int)bar, full, (int)(BAR_LEN - bar),
	        empty, done, all, what);
	fflush(stderr);
}

void progress_end(void)
{
	if (isatty(STDERR_FILENO) != 0) {
		fprintf(stderr, "\r\033[K");
		fflush(stderr);
	}
}
