/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capgen FORMAT LINK FILE [SNAPLEN [CROWD]]: writes a capture of capfile.h in one of the formats
 * and link layers: all kinds of closes; with a number CROWD so many connections; with CROWD "leaps"
 * a clock that jumps. SNAPLEN 0: whole packets.
 */
#include "capfile.h"

#include <stdlib.h>
#include <string.h>

static int find(const char *const *names, int len, const char *name)
{
	for (int i = 0; i < len; i++) {
		if (strcmp(names[i], name) == 0) {
			return i;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct capfile c = { 0 };
	int format = argc > 3 ? find(capfile_format_names, CAPFILE_FORMATS_LEN, argv[1]) : -1;
	int link = argc > 3 ? find(capfile_link_names, CAPFILE_LINKS_LEN, argv[2]) : -1;

	if (format < 0 || link < 0) {
		fprintf(stderr, "usage: capgen FORMAT LINK FILE [SNAPLEN [CROWD]]\n");
		return 2;
	}
	c.format = (enum capfile_format)format;
	c.link = (enum capfile_link)link;
	c.snap_size = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	c.to = fopen(argv[3], "we");
	if (c.to == NULL) {
		perror(argv[3]);
		return 1;
	}
	capfile_begin(&c);
	if (argc > 5 && strcmp(argv[5], "leaps") == 0) {
		capfile_leaps(&c);
	} else if (argc > 5) {
		capfile_crowd(&c, strtoul(argv[5], NULL, 10));
	} else {
		capfile_closes(&c);
	}
	return fclose(c.to) == 0 ? 0 : 1;
}
