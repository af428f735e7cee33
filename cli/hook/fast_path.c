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
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* The bpffs, by a descriptor of its root. */
struct bpffs {
	int fd;
	char path[32]; /* a way to it that nobody can change */
};

/*
 * Opens dir if a bpffs is mounted there. The daemon's user owns the directory that dir is in: what
 * it puts in its place, as a symbolic link, is not followed. Returns 0, or -errno: -ENOENT if there
 * is no bpffs.
 */
static int open_bpffs(const char *dir, struct bpffs *out)
{
	struct statfs fs;

	out->fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->fd < 0) {
		return -errno;
	}
	if (fstatfs(out->fd, &fs) != 0 || (uint32_t)fs.f_type != BPF_FS_MAGIC) {
		(void)close(out->fd);
		out->fd = -1;
		return -ENOENT;
	}
	(void)snprintf(out->path, sizeof(out->path), "/proc/self/fd/%d", out->fd);
	return 0;
}

/* Mounts a bpffs on the directory dir itself. */
static int mount_bpffs(const char *dir)
{
	const int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	int err = 0;

	if (fd < 0) {
		return -errno;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") != 0) {
		err = -errno;
	}
	(void)close(fd);
	return err;
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
static int give_maps(const struct bpffs *b, const struct stat *owner)
{
	for (unsigned i = 0; i < LEASE_MAPS_LEN; i++) {
		if (fchownat(b->fd, lease_map_names[i], owner->st_uid, owner->st_gid,
		             AT_SYMLINK_NOFOLLOW) != 0 ||
		    fchmodat(b->fd, lease_map_names[i], 0600, 0) != 0) {
			return -errno;
		}
	}
	return 0;
}

/* The daemon's user: of the control socket, without one of its directory. */
static int find_owner(const char *socket_path, const char *dir, struct stat *owner,
                      char why[LEASE_WHY_SIZE])
{
	char parent[LEASE_PATH_SIZE];

	if (lstat(socket_path, owner) == 0 && S_ISSOCK(owner->st_mode)) {
		return 0;
	}
	(void)snprintf(parent, sizeof(parent), "%.*s",
	               (int)(strlen(dir) - strlen("/" LEASE_DIR_NAME)), dir);
	if (stat(parent, owner) != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "%s: %s", parent, strerror(errno));
		return -ENOENT;
	}
	return 0;
}

/* Opens the bpffs, mounted if there is none. */
static int make_directory(const char *dir, struct bpffs *out, char why[LEASE_WHY_SIZE])
{
	int err;

	if (open_bpffs(dir, out) == 0) {
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
	err = mount_bpffs(dir);
	if (err == 0) {
		err = open_bpffs(dir, out);
	}
	if (err != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "cannot mount a bpffs on %s: %s", dir,
		               strerror(-err));
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

/* Replaces the pins. */
static int make_pins(const struct bpffs *b, uint32_t leases_max, const struct stat *owner,
                     const char *dir, char why[LEASE_WHY_SIZE])
{
	struct lease_program *p;
	int err = lease_program_load(leases_max, &p, why);

	if (err != 0) {
		return err;
	}
	lease_pins_remove(b->path);
	err = lease_program_pin(p, b->path);
	if (err == 0) {
		err = give_maps(b, owner);
	}
	lease_program_free(p);
	if (err != 0) {
		(void)snprintf(why, LEASE_WHY_SIZE, "cannot pin in %s: %s", dir, strerror(-err));
		lease_pins_remove(b->path);
	}
	return err;
}

int hook_fast_path_make(const char *socket_path, uint32_t leases_max, char dir[LEASE_PATH_SIZE],
                        char why[LEASE_WHY_SIZE])
{
	struct lease_program *p;
	struct bpffs bpffs;
	struct stat owner;
	int err;

	if (!lease_program_is_built()) {
		return lease_program_load(leases_max, &p, why);
	}
	if (!lease_pins_dir(socket_path, dir)) {
		(void)snprintf(why, LEASE_WHY_SIZE, "%s: %s", socket_path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	err = find_owner(socket_path, dir, &owner, why);
	if (err == 0) {
		err = make_directory(dir, &bpffs, why);
	}
	if (err != 0) {
		return err;
	}
	if (!pins_fit(bpffs.path, leases_max)) {
		err = make_pins(&bpffs, leases_max, &owner, dir, why);
	}
	(void)close(bpffs.fd);
	return err;
}

static void unmount(const char *dir)
{
	(void)umount2(dir, UMOUNT_NOFOLLOW);
	(void)rmdir(dir);
}

void hook_fast_path_remove(const char *socket_path)
{
	char dir[LEASE_PATH_SIZE];
	struct bpffs bpffs;

	if (lease_pins_dir(socket_path, dir) && open_bpffs(dir, &bpffs) == 0) {
		lease_pins_remove(bpffs.path);
		(void)close(bpffs.fd);
		unmount(dir);
	}
}

void hook_fast_path_unmount(const char *socket_path)
{
	char dir[LEASE_PATH_SIZE];
	struct bpffs bpffs;
	bool is_used;

	if (!lease_pins_dir(socket_path, dir)) {
		return;
	}
	if (open_bpffs(dir, &bpffs) != 0) {
		/* Mounted in another mount namespace, and unmounted there. */
		(void)rmdir(dir);
		return;
	}
	is_used = lease_pins_inode(bpffs.path) != 0;
	(void)close(bpffs.fd);
	if (!is_used) {
		unmount(dir);
	}
}
