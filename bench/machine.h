/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine and the build that results belong to: processor, kernel, governor, versions.
 */
#ifndef FINWALL_BENCH_MACHINE_H
#define FINWALL_BENCH_MACHINE_H

#include <stdint.h>

#define MACHINE_TEXT 128

struct machine {
	char cpu[MACHINE_TEXT];
	char kernel[MACHINE_TEXT];
	char arch[MACHINE_TEXT];
	char governor[MACHINE_TEXT];   /* "unknown" in virtual machines */
	char hypervisor[MACHINE_TEXT]; /* "none" */
	char huge_pages[MACHINE_TEXT];
	char mitigations[MACHINE_TEXT];
	char compiler[MACHINE_TEXT];
	char build[MACHINE_TEXT];
	char version[MACHINE_TEXT];
	char date[MACHINE_TEXT]; /* UTC */
	char load[MACHINE_TEXT]; /* load averages before the measurement */
	uint32_t cpus;
	uint64_t memory_bytes;
};

void machine_describe(struct machine *m);

/* Prints the main fields on standard output. */
void machine_print(const struct machine *m);

/* Returns the name of text field nr and stores its *text; NULL after the last. */
const char *machine_field(const struct machine *m, unsigned nr, const char **text);

#endif
