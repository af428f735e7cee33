/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings that both sides have: sysctl, tunable, and values for tests.
 */
#ifndef ORACLE_SYSCTLS_H
#define ORACLE_SYSCTLS_H

#include "rng.h"

#include <finwall/tunables.h>

#include <stddef.h>
#include <stdint.h>

struct setting {
	const char *name; /* after net.netfilter.nf_conntrack_ */
	size_t offset;    /* offset in struct tunables */
	enum {
		SETTING_SECONDS,
		SETTING_NUMBER,
		SETTING_CHECKSUM,
	} kind;
	uint32_t dflt;
};

extern const struct setting sysctls_table[];
extern const size_t sysctls_len;

/* The row of a name, or sysctls_len. */
size_t sysctls_find(const char *name);

/* A value for a row; in most cases one that has an effect. */
uint32_t sysctls_random(const struct setting *row, struct rng *rng);

/* Applies it to finwall's side. */
void sysctls_apply(const struct setting *row, uint32_t value, struct tunables *tun);

#endif
