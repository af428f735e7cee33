/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's system call filter: what it needs to filter, reload, save and answer commands. It
 * cannot execute a program, trace a process, change its user, mount or load a module.
 */
#ifndef FINWALL_IO_SECCOMP_H
#define FINWALL_IO_SECCOMP_H

/*
 * Installs the filter for this thread and all that it starts from now on. Any other call fails with
 * ENOSYS, because a C library may try a newer one first. Needs no_new_privs. Returns 0, -ENOTSUP on
 * an architecture without a filter, or another -errno.
 */
int seccomp_restrict(void);

#endif
