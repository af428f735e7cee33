/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps of the kernel fast path. See lease_pins.h.
 *
 * Without libbpf: the daemon makes one system call for each map, which its system call filter
 * allows for this one command.
 */
#include "lease_pins.h"

#include "opener.h"

#include <finwall/lease_layout.h>

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int lease_pins_open_map(const char *dir, enum lease_map_nr nr)
{
	char path[LEASE_PATH_SIZE];
	union bpf_attr attr;
	long fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, lease_map_names[nr]) >=
	    sizeof(path)) {
		return -ENAMETOOLONG;
	}
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uint64_t)(uintptr_t)path;
	fd = syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

bool lease_pins_dir(const char *socket_path, char path[LEASE_PATH_SIZE])
{
	const char *slash = strrchr(socket_path, '/');
	int dir_size = slash != NULL ? (int)(slash - socket_path) : 1;
	int n = snprintf(path, LEASE_PATH_SIZE, "%.*s/" LEASE_DIR_NAME, dir_size,
	                 slash != NULL ? socket_path : ".");

	/* The names of the pins follow. */
	return n > 0 && n < LEASE_PATH_SIZE - 16;
}

ino_t lease_pins_inode(const char *dir)
{
	char path[LEASE_PATH_SIZE];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, lease_map_names[LEASE_MAP_CONTROL]);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void *map_one(int fd, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

int lease_pins_map(const int fds[LEASE_MAPS_LEN], struct lease_pins *out)
{
	struct lease_pins p = { .size = { [LEASE_MAP_CONTROL] = sizeof(struct lease_control) } };
	void *at[LEASE_MAPS_LEN] = { NULL };
	const struct lease_control *c;
	int err;

	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		at[i] = map_one(fds[i], p.size[i]);
		if (at[i] == MAP_FAILED) {
			err = -errno;
			at[i] = NULL;
			goto failed;
		}
		if (i != LEASE_MAP_CONTROL) {
			continue;
		}
		c = at[i];
		if (!engine_leases_fit(c)) {
			err = -EPROTO;
			goto failed;
		}
		/* A map that is smaller than its header claims cannot be mapped. */
		p.size[LEASE_MAP_BUCKETS] = c->buckets_len * sizeof(struct lease_bucket);
		p.size[LEASE_MAP_LEASES] = c->leases_len * sizeof(struct lease);
		p.size[LEASE_MAP_NOTES] = c->leases_len * sizeof(uint64_t);
	}
	p.map = (struct lease_map){ at[LEASE_MAP_CONTROL], at[LEASE_MAP_BUCKETS],
		                    at[LEASE_MAP_LEASES], at[LEASE_MAP_NOTES] };
	*out = p;
	return 0;

failed:
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		if (at[i] != NULL) {
			(void)munmap(at[i], p.size[i]);
		}
	}
	return err;
}

int lease_pins_open(const char *dir, struct lease_pins *out)
{
	int fds[LEASE_MAPS_LEN] = { -1, -1, -1, -1 };
	ino_t inode = lease_pins_inode(dir);
	int err = inode == 0 ? -ENOENT : 0;

	for (unsigned i = 0; i < LEASE_MAPS_LEN && err == 0; i++) {
		fds[i] = opener_is_set() ? opener_get(OPENER_LEASE_MAP, i)
		                         : lease_pins_open_map(dir, (enum lease_map_nr)i);
		err = fds[i] < 0 ? fds[i] : 0;
	}
	if (err == 0) {
		err = lease_pins_map(fds, out);
	}
	if (err == 0) {
		out->inode = inode;
	}
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		if (fds[i] >= 0) {
			(void)close(fds[i]);
		}
	}
	return err;
}

void lease_pins_unmap(struct lease_pins *pins)
{
	if (pins->map.control == NULL) {
		return;
	}
	(void)munmap(pins->map.control, pins->size[LEASE_MAP_CONTROL]);
	(void)munmap(pins->map.buckets, pins->size[LEASE_MAP_BUCKETS]);
	(void)munmap(pins->map.leases, pins->size[LEASE_MAP_LEASES]);
	(void)munmap(pins->map.notes, pins->size[LEASE_MAP_NOTES]);
	*pins = (struct lease_pins){ .inode = 0 };
}

void lease_pins_remove(const char *dir)
{
	char path[LEASE_PATH_SIZE];

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, lease_program_names[h]);
		(void)unlink(path);
	}
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, lease_map_names[i]);
		(void)unlink(path);
	}
}
