/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of steps, in memory and as script files.
 */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 4096

void history_add(struct history *h, const struct step *s)
{
	if (h->len == h->cap) {
		h->cap = h->cap != 0 ? 2 * h->cap : 64;
		h->step = realloc(h->step, h->cap * sizeof(*h->step));
		if (h->step == NULL) {
			fputs("oracle: no memory\n", stderr);
			exit(1);
		}
	}
	h->step[h->len++] = *s;
}

void history_fini(struct history *h)
{
	free(h->step);
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
		struct step s;

		line_nr++;
		if (is_blank(line)) {
			continue;
		}
		if (!has_ends) {
			err = ends_parse(line, e);
			has_ends = true;
			continue;
		}
		err = step_parse(line, &s);
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
		step_print(to, &h->step[i]);
	}
}
