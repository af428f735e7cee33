/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps of the kernel fast path, in the memory of this process. The daemon needs no
 * right but to open the files: `finwall hook` makes them (bpf/lease_program.h), for its user.
 */
#ifndef FINWALL_IO_LEASE_PINS_H
#define FINWALL_IO_LEASE_PINS_H

#include "wire/lease_names.h"

#include <finwall/engine.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEASE_PATH_SIZE 256

struct lease_pins {
	struct lease_map map; /* control is NULL: none */
	size_t size[LEASE_MAPS_LEN];
	ino_t inode; /* of the pinned control map; 0 = not pinned */
};

/* Writes the directory of the pins for a control socket to path. Returns false if it is too long.
 */
bool lease_pins_dir(const char *socket_path, char path[LEASE_PATH_SIZE]);

/* The inode of the pinned control map; 0 if there is none. */
ino_t lease_pins_inode(const char *dir);

/*
 * Opens the pinned maps. Returns 0, -ENOENT if there are none, -EPROTO if they are of another
 * version, or -errno.
 */
int lease_pins_open(const char *dir, struct lease_pins *out);

/* Opens one of them, for lease_pins_map(). Returns a descriptor, or -errno. */
int lease_pins_open_map(const char *dir, enum lease_map_nr nr);

/* Maps all maps, and checks their version. Returns 0/-errno; then *out has no map. */
int lease_pins_map(const int fds[LEASE_MAPS_LEN], struct lease_pins *out);

/* Unmaps what is mapped. */
void lease_pins_unmap(struct lease_pins *pins);

/* Removes the pins below dir. */
void lease_pins_remove(const char *dir);

#endif
