/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel fast path, as the daemon uses it. See fast_path.h.
 *
 * Leases are valid until an instant that the daemon moves while it runs. With on-absent drop that
 * is the setting fast-path-grace ahead: a daemon that is gone or stopped leaves no hole for longer.
 * With on-absent accept packets pass anyway, so leases have no such limit.
 */
#include "fast_path.h"

#include "set_changes.h"
#include "workers.h"

#include "io/log.h"

#include <finwall/lease_layout.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Of the same maps: the try whose failure is logged. */
#define TRIES_LOGGED 2

void fast_path_init(struct fast_path *fp, const char *socket_path, enum fail_mode on_absent)
{
	fp->has_dir = lease_pins_dir(socket_path, fp->dir);
	fp->has_gap = on_absent == FAIL_ACCEPT;
}

static void extend(struct fast_path *fp, const struct settings *s, const struct tunables *tun,
                   struct mono now)
{
	int64_t until_ns = LEASE_ALWAYS;

	/* In shadow mode packets pass without a daemon. */
	if (!fp->has_gap && tun->enforce != 0) {
		until_ns = mono_add(now, sec_to_ns(s->fast_path_grace_s)).ns;
	}
	__atomic_store_n(&fp->pins.map.control->valid_until_ns, until_ns, __ATOMIC_RELAXED);
}

static const char *why_refused(const struct fast_path *fp)
{
	return fp->err == -EPROTO ? "made by another version; finwall hook up replaces it"
	                          : strerror(-fp->err);
}

static bool open_pins(struct fast_path *fp, struct lease_pins *pins)
{
	ino_t inode = lease_pins_inode(fp->dir);

	if (inode != fp->refused) {
		fp->refused = 0;
		fp->tries = 0;
	}
	if (inode == 0 || (fp->refused != 0 && fp->err == -EPROTO)) {
		return false;
	}
	fp->err = lease_pins_open(fp->dir, pins);
	if (fp->err == 0) {
		fp->refused = 0;
		fp->tries = 0;
		return true;
	}
	fp->refused = inode;
	/* finwall hook may be about to pin the other maps and to give them to this user. */
	fp->tries += fp->tries < TRIES_LOGGED + 1;
	if (fp->err == -EPROTO || fp->tries == TRIES_LOGGED) {
		log_write(fp->log, LOG_LEVEL_WARNING, "no kernel fast path: %s: %s", fp->dir,
		          why_refused(fp));
	}
	return false;
}

static void use(struct fast_path *fp, const struct lease_pins *pins, const struct settings *s,
                const struct tunables *tun, struct mono now)
{
	struct lease_pins old = fp->pins;

	fp->pins = *pins;
	engine_use_leases(fp->engine, &fp->pins.map);
	lease_pins_unmap(&old);
	extend(fp, s, tun, now);
	fast_path_publish(fp, s, tun);
}

void fast_path_start(struct fast_path *fp, const struct settings *s, const struct tunables *tun,
                     bool packets_passed, struct mono now)
{
	struct lease_pins pins;

	if (!fp->has_dir || !open_pins(fp, &pins)) {
		return;
	}
	fp->adopted = engine_adopt_leases(fp->engine, fp->worker, &pins.map, packets_passed, now);
	if (fp->adopted > 0) {
		log_write(fp->log, LOG_LEVEL_NOTICE,
		          "%" PRIu64 " connections taken over from the kernel fast path",
		          fp->adopted);
	}
	use(fp, &pins, s, tun, now);
}

void fast_path_publish(struct fast_path *fp, const struct settings *s, const struct tunables *tun)
{
	engine_set_lease_policy(fp->engine, tun,
	                        fp->pins.inode != 0 && s->fast_path != FAST_PATH_OFF);
}

void fast_path_tick(struct fast_path *fp, const struct settings *s, const struct tunables *tun,
                    struct mono now)
{
	struct lease_pins pins;
	ino_t inode;

	if (!fp->has_dir) {
		return;
	}
	if (fp->pins.inode != 0) {
		extend(fp, s, tun, now);
	}
	inode = lease_pins_inode(fp->dir);
	if (inode == fp->pins.inode) {
		return;
	}
	if (fp->pins.inode != 0) {
		/* Removed, or replaced. A worker may be in a batch that uses the memory. */
		engine_leave_leases(fp->engine);
		fp->left = set_changes_mark(fp->changes, fp->workers);
		fp->pins.inode = 0;
		log_write(fp->log, LOG_LEVEL_NOTICE, "the kernel fast path is no longer used");
		return;
	}
	if (fp->pins.map.control != NULL && !workers_all_passed(fp->workers, fp->left)) {
		return;
	}
	if (open_pins(fp, &pins)) {
		/* Of an earlier process that is gone: its connections are not this table's. */
		(void)engine_adopt_leases(fp->engine, fp->worker, &pins.map, true, now);
		use(fp, &pins, s, tun, now);
		log_write(fp->log, LOG_LEVEL_NOTICE, "the kernel fast path is used");
	}
}

void fast_path_stop(struct fast_path *fp, const struct settings *s, struct mono now)
{
	/* The last extension: an end without a new process is no hole for longer than that. */
	if (fp->pins.inode != 0 && !fp->has_gap) {
		int64_t until_ns = mono_add(now, sec_to_ns(s->fast_path_grace_s)).ns;

		__atomic_store_n(&fp->pins.map.control->valid_until_ns, until_ns, __ATOMIC_RELAXED);
	}
}

void fast_path_fini(struct fast_path *fp)
{
	lease_pins_unmap(&fp->pins);
}

const char *fast_path_why_not(const struct fast_path *fp, const struct settings *s,
                              const struct tunables *tun)
{
	if (s->fast_path == FAST_PATH_OFF) {
		return "hook fast-path is off";
	}
	if (fp->pins.inode == 0) {
		if (fp->refused == 0) {
			return "the hook rules have no match for it";
		}
		return fp->err == -EPROTO ? "its maps are of another version"
		                          : "its maps cannot be opened";
	}
	if (tun->checksum == CSUM_POLICY_FULL) {
		return "connections checksum is full";
	}
	return "";
}
