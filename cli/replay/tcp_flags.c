/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letters in the order of the bits.
 */
#include "replay/tcp_flags.h"

char *tcp_flags_text(uint8_t flags, char *out)
{
	static const char letters[] = "FSRPAUEC";
	char *at = out;

	for (unsigned bit = 0; bit < 8; bit++) {
		if ((flags & (1u << bit)) != 0) {
			*at++ = letters[bit];
		}
	}
	*at = '\0';
	return out;
}
