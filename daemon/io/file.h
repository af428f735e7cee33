/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading whole files for the configuration parser.
 */
#ifndef FINWALL_IO_FILE_H
#define FINWALL_IO_FILE_H

#include <finwall/config.h>

extern const struct config_reader file_reader;

#endif
