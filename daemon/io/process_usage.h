/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processor time and memory of this process.
 */
#ifndef FINWALL_IO_PROCESS_USAGE_H
#define FINWALL_IO_PROCESS_USAGE_H

#include <stdint.h>

struct process_usage {
	int64_t cpu_ns; /* of all threads */
	uint64_t resident_bytes;
};

/* What cannot be read is 0. */
void process_usage_read(struct process_usage *out);

#endif
