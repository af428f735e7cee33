/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User and capabilities. See privileges.h.
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Both are below 32: one word of each set. */
#define KEPT ((UINT32_C(1) << CAP_NET_ADMIN) | (UINT32_C(1) << CAP_NET_RAW))

/* Capabilities have lower numbers. */
#define CAPS_MAX 64

bool privileges_find_user(const char *name, struct run_user *out)
{
	const struct passwd *p = getpwnam(name);

	if (p == NULL || p->pw_uid == 0) {
		return false;
	}
	*out = (struct run_user){ p->pw_uid, p->pw_gid };
	return true;
}

int privileges_become(const struct run_user *u)
{
	const gid_t groups[] = { u->gid, 0 };

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(2, groups) != 0 ||
	    setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0) {
		return -errno;
	}
#if defined(__SANITIZE_ADDRESS__)
	/* The leak check traces its own process. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
#endif
	return 0;
}

int privileges_keep_network(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t kept;

	if (syscall(SYS_capget, &header, caps) != 0) {
		return -errno;
	}
	kept = caps[0].permitted & KEPT;
	if (kept == caps[0].permitted && caps[1].permitted == 0) {
		/* As under the unit, whose filter refuses capset(). */
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? -errno : 0;
	}
	/* The change of the user has cleared the effective ones. */
	caps[0].effective = caps[0].permitted;
	caps[1].effective = caps[1].permitted;
	if (syscall(SYS_capset, &header, caps) != 0) {
		return -errno;
	}
	/* Fails without CAP_SETPCAP; then the process had no rights of root before either. */
	for (unsigned cap = 0; cap < CAPS_MAX; cap++) {
		if (cap >= 32 || (KEPT & UINT32_C(1) << cap) == 0) {
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		}
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	caps[0] = (struct __user_cap_data_struct){ .effective = kept, .permitted = kept };
	caps[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &header, caps) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return -errno;
	}
	return 0;
}
