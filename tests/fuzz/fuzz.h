/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets share: an entry point, made either for libFuzzer or for the replay in
 * fuzz_replay.c, which runs a corpus and seeded mutations of it in every test run.
 */
#ifndef FINWALL_TESTS_FUZZ_H
#define FINWALL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test that must hold whatever the input. */
#define FUZZ_REQUIRE(cond)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

#endif
