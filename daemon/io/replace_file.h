/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaces a text file as a whole: readers see the old or the new one. Not for data that must
 * outlive a crash: nothing is synced.
 */
#ifndef FINWALL_IO_REPLACE_FILE_H
#define FINWALL_IO_REPLACE_FILE_H

#include <stddef.h>

/* Writes PATH.new with permissions 0644 and renames it. Returns 0/-errno. */
int replace_file(const char *path, const char *text, size_t size);

#endif
