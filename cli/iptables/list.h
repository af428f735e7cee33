/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of names, such as TCP flags and connection states, as bits.
 */
#ifndef FINWALL_CLI_IPTABLES_LIST_H
#define FINWALL_CLI_IPTABLES_LIST_H

#include <stddef.h>
#include <stdio.h>

/* A name in a list, and the bits it stands for. */
struct convert_list_name {
	const char *name;
	unsigned bits;
};

#define CONVERT_LIST_SIZE 96

/*
 * Reads names separated by commas as the union of their bits. Returns NULL, or the part of the list
 * that is not a name, in copy.
 */
const char *convert_read_list(const char *list, const struct convert_list_name *names, size_t len,
                              unsigned *bits, char copy[CONVERT_LIST_SIZE]);

/* Writes the names of the bits, with a separator between them. */
void convert_put_list(FILE *f, const struct convert_list_name *names, size_t len, unsigned bits,
                      const char *separator);

#endif
