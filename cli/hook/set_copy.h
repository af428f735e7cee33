/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of named sets in the kernel: a set that both finwall's rules and the kernel's part of the
 * configuration use is in both. What a command changes in the daemon is changed in the kernel with
 * nft(8). Elements that rules add stay where they are added.
 */
#ifndef FINWALL_CLI_HOOK_SET_COPY_H
#define FINWALL_CLI_HOOK_SET_COPY_H

#include <jansson.h>

/* Which copies are made equal. */
enum set_copies {
	SET_COPIES_CHANGED, /* of sets that a command has changed since the configuration is in
	                       force */
	SET_COPIES_ALL,
};

/*
 * Changes the copy of a set, if there is one, as the daemon has changed the set before. verb:
 * "add", "delete" or "flush"; elements: its strings. table: "name", "family name" or NULL. Prints a
 * warning on failure.
 */
void set_copy_change(const char *socket_path, const char *table, const char *set, const char *verb,
                     const json_t *elements);

/* Gives the copies the elements that the daemon has. Prints a warning on failure. */
void set_copies_refresh(const char *socket_path, enum set_copies which);

#endif
