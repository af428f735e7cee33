/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the fuzz targets: the entry point, called by libFuzzer or by fuzz_replay.c, which runs
 * a corpus and seeded mutations of it in every test run.
 */
#ifndef FINWALL_TESTS_FUZZ_H
#define FINWALL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A condition that must hold for every input. */
#define FUZZ_REQUIRE(cond)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

#endif
