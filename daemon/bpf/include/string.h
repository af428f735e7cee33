/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the BPF target, which has no C library: the headers of core need these two, and the compiler
 * makes instructions of them.
 */
#ifndef FINWALL_BPF_STRING_H
#define FINWALL_BPF_STRING_H

#include <stddef.h>

#define memcpy(to, from, size) __builtin_memcpy(to, from, size)
#define memset(to, byte, size) __builtin_memset(to, byte, size)

#endif
