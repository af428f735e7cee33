/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first step of reading: divides the text into objects of tables, by words, quotes, braces and
 * comments only. Base chains of types, hooks and families that finwall does not judge belong to the
 * kernel, with all that they reach. That is blanked in the text, so that places in it stay as they
 * are, and kept as text for nft (kernel_part.h). Whatever both sides reach stays in both.
 */
#ifndef FINWALL_POLICY_CUT_H
#define FINWALL_POLICY_CUT_H

#include "input.h"

/*
 * Reads the file at path and all that it includes into in->kept, for input_open(), and sets
 * c->kernel. Reports nothing: files that cannot be read are left to input_open().
 */
void cut_files(struct inputs *in, const char *path);

#endif
