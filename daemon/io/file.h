/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files for the configuration parser; at most 64 MiB each, EFBIG beyond.
 */
#ifndef FINWALL_IO_FILE_H
#define FINWALL_IO_FILE_H

#include <finwall/config.h>

extern const struct config_reader file_reader;

#endif
