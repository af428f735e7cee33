/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes and removes the pins of the kernel fast path. See fast_path.h.
 *
 * Not below /sys/fs/bpf: that is not mounted everywhere, and `ip netns exec` hides it.
 *
 * A change of a table of iptables-legacy loads all its rules again, and the kernel then opens
 * the pinned program by its path, in the mount namespace of that process. So the bpffs must be one
 * that all see: it is mounted only in the mount namespace of the first process, and elsewhere used
 * if it is there.
 */
#include "hook/fast_path.h"

#include <finwall/lease_layout.h>

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static bool is_bpffs(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

/* Mounts here are seen by the first process, and so by others. */
static bool is_first_mount_namespace(void)
{
	struct stat own;
	struct stat first;

	return stat("/proc/self/ns/mnt", &own) == 0 && stat("/proc/1/ns/mnt", &first) == 0 &&
	       own.st_ino == first.st_ino && own.st_dev == first.st_dev;
}

/* The maps are the daemon's to write, whatever user it runs as; the programs stay root's. */
static int give_maps(const char *dir, const struct stat *owner)
{
	char path[LEASE_PATH_SIZE];

	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, lease_map_names[i]);
		if (chown(path, owner->st_uid, owner->st_gid) != 0 || chmod(path, 0600) != 0) {
			return -errno;
		}
	}
	return 0;
}

static int make_directory(const char *socket_path, const char *dir, struct stat *owner,
                          char why[LEASE_WHY_SIZE])
{
	char parent[LEASE_PATH_SIZE];

	(void)snprintf(parent, sizeof(parent), "%.*s",
	               (int)(strlen(dir) - strlen("/" LEASE_DIR_NAME)), dir);
	if (stat(socket_path, owner) != 0 && stat(parent, owner) != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "%s: %s", parent, strerror(errno));
		return -ENOENT;
	}
	if (is_bpffs(dir)) {
		return 0;
	}
	if (!is_first_mount_namespace()) {
		(void)snprintf(why, LEASE_WHY_SIZE,
		               "no bpffs on %s, and other processes would not see one that is "
		               "mounted here; see finwall(8), finwall hook",
		               dir);
		return -EACCES;
	}
	if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
		(void)snprintf(why, LEASE_WHY_SIZE, "%s: %s", dir, strerror(errno));
		return -EACCES;
	}
	if (!is_bpffs(dir) &&
	    mount("bpf", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "cannot mount a bpffs on %s: %s", dir,
		               strerror(errno));
		(void)rmdir(dir);
		return -EACCES;
	}
	return 0;
}

/* Pins of this version with enough leases. */
static bool pins_fit(const char *dir, uint32_t leases_max)
{
	char path[LEASE_PATH_SIZE];
	struct lease_pins pins;
	uint32_t len;

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, lease_program_names[h]);
		if (access(path, F_OK) != 0) {
			return false;
		}
	}
	if (lease_pins_open(dir, &pins) != 0) {
		return false;
	}
	len = pins.map.control->leases_len;
	lease_pins_unmap(&pins);
	return len >= leases_max && len < 2 * leases_max;
}

int hook_fast_path_make(const char *socket_path, uint32_t leases_max, char dir[LEASE_PATH_SIZE],
                        char why[LEASE_WHY_SIZE])
{
	struct lease_program *p;
	struct stat owner;
	int err;

	if (!lease_program_is_built()) {
		return lease_program_load(leases_max, &p, why);
	}
	if (!lease_pins_dir(socket_path, dir)) {
		(void)snprintf(why, LEASE_WHY_SIZE, "%s: %s", socket_path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	err = make_directory(socket_path, dir, &owner, why);
	if (err != 0 || pins_fit(dir, leases_max)) {
		return err;
	}
	err = lease_program_load(leases_max, &p, why);
	if (err != 0) {
		return err;
	}
	lease_pins_remove(dir);
	err = lease_program_pin(p, dir);
	if (err == 0) {
		err = give_maps(dir, &owner);
	}
	lease_program_free(p);
	if (err != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "cannot pin in %s: %s", dir, strerror(-err));
		lease_pins_remove(dir);
	}
	return err;
}

void hook_fast_path_remove(const char *socket_path)
{
	char dir[LEASE_PATH_SIZE];

	if (lease_pins_dir(socket_path, dir) && access(dir, F_OK) == 0) {
		lease_pins_remove(dir);
		hook_fast_path_unmount(socket_path);
	}
}

void hook_fast_path_unmount(const char *socket_path)
{
	char dir[LEASE_PATH_SIZE];

	if (!lease_pins_dir(socket_path, dir) || lease_pins_inode(dir) != 0) {
		return;
	}
	/* Fails where it was mounted in another mount namespace, and is done there. */
	if (is_bpffs(dir)) {
		(void)umount2(dir, 0);
	}
	(void)rmdir(dir);
}
