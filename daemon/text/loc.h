/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A position in the text of a configuration. */
#ifndef FINWALL_TEXT_LOC_H
#define FINWALL_TEXT_LOC_H

#include <stddef.h>
#include <stdint.h>

/* file is an index into the list of files. Columns count bytes, from 1, up to UINT16_MAX. */
struct loc {
	uint32_t line;
	uint16_t col;
	uint16_t file;
};

static inline uint16_t loc_col(size_t col)
{
	return col < UINT16_MAX ? (uint16_t)col : UINT16_MAX;
}

#endif
