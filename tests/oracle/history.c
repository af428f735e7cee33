/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of steps, in memory and as script files.
 */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 4096

void history_add(struct history *h, const struct shot *s)
{
	if (h->len == h->room) {
		h->room = h->room != 0 ? 2 * h->room : 64;
		h->shot = realloc(h->shot, h->room * sizeof(*h->shot));
		if (h->shot == NULL) {
			fputs("oracle: no memory\n", stderr);
			exit(1);
		}
	}
	h->shot[h->len++] = *s;
}

void history_fini(struct history *h)
{
	free(h->shot);
	memset(h, 0, sizeof(*h));
}

static bool is_blank(const char *line)
{
	line += strspn(line, " \t\n");
	return *line == '\0' || *line == '#';
}

int script_load(const char *path, struct ends *e, struct history *out)
{
	char line[LINE_SIZE];
	unsigned line_nr = 0;
	bool has_ends = false;
	FILE *f = fopen(path, "r");
	int err = 0;

	if (f == NULL) {
		err = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return err;
	}
	while (err == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct shot s;

		line_nr++;
		if (is_blank(line)) {
			continue;
		}
		if (!has_ends) {
			err = ends_parse(line, e);
			has_ends = true;
			continue;
		}
		err = shot_parse(line, &s);
		if (err == 0) {
			history_add(out, &s);
		}
	}
	fclose(f);
	if (err != 0 || !has_ends) {
		fprintf(stderr, "%s:%u: not a step of a script\n", path, line_nr);
		return -EINVAL;
	}
	return 0;
}

void script_print(FILE *to, const struct ends *e, const struct history *h)
{
	ends_print(to, e);
	for (size_t i = 0; i < h->len; i++) {
		shot_print(to, &h->shot[i]);
	}
}
