/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rule files over the whole grammar, for fuzzing and for comparisons with the kernel. The
 * same numbers give the same text.
 *
 * Most files are valid: elements do not overlap, chains jump forward only, names exist. Others are
 * refused for what the language forbids, such as a match of UDP after one of TCP.
 */
#ifndef FINWALL_TESTS_RULEGEN_H
#define FINWALL_TESTS_RULEGEN_H

#include <stdbool.h>
#include <stdint.h>

/* Where decisions come from: a number below n. */
struct rulegen_source {
	uint32_t (*below)(void *ctx, uint32_t n);
	void *ctx;
};

enum rulegen_for {
	RULEGEN_NFT,     /* what nft has too, and what time has no influence on */
	RULEGEN_FINWALL, /* also limits, connection counts, logs, late and idle chains, settings */
};

/* The text, malloc'd. */
char *rulegen_text(const struct rulegen_source *source, enum rulegen_for what);

#endif
