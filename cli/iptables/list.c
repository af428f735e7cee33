/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of names as bits. See list.h.
 */
#include "iptables/list.h"

#include <string.h>
#include <strings.h>

const char *convert_read_list(const char *list, const struct convert_list_name *names, size_t len,
                              unsigned *bits, char copy[CONVERT_LIST_SIZE])
{
	char *save = NULL;

	*bits = 0;
	snprintf(copy, CONVERT_LIST_SIZE, "%s", list);
	if (strlen(list) >= CONVERT_LIST_SIZE) {
		return copy;
	}
	for (const char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < len && strcasecmp(one, names[i].name) != 0) {
			i++;
		}
		if (i == len) {
			return one;
		}
		*bits |= names[i].bits;
	}
	return NULL;
}

void convert_put_list(FILE *f, const struct convert_list_name *names, size_t len, unsigned bits,
                      const char *separator)
{
	const char *between = "";

	for (size_t i = 0; i < len; i++) {
		if ((names[i].bits & bits) != 0) {
			fprintf(f, "%s%s", between, names[i].name);
			between = separator;
		}
	}
}
