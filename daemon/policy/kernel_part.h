/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a configuration that belongs to the kernel, as config.h shows it. */
#ifndef FINWALL_POLICY_KERNEL_PART_H
#define FINWALL_POLICY_KERNEL_PART_H

#include <stdint.h>

/* A number that is another one for another text; never 0. */
uint64_t kernel_part_hash(const char *text);

#endif
