# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# A machine for tests: a Debian root directory with systemd as the first process of its own
# namespaces. Sourced behind netns.sh, after netns_begin:
#
#	machine_root A,B...  # a new root in $root, made by debootstrap from this machine's own mirror
#	machine_root A,B... /some/root   # or a copy of one that has these packages
#	machine_boot                     # its network namespace is named server
#	in_machine systemctl start X
#	expect is_active X               # polls; on failure prints the journal
#
# The processes and the root are removed when the test ends.
#
# The first process does not get this script's environment. The clock, the kernel and its modules
# are this machine's.

# shellcheck disable=SC2034,SC2154 # wait_sec, work and ns_tag are netns.sh's
machine_own_root=
machine_pid=
trap machine_end EXIT

machine_end() {
	status=$?
	set +e
	[ -z "$machine_pid" ] || kill -KILL "$machine_pid" 2>/dev/null
	if [ -n "$machine_own_root" ]; then
		# The mounts are those of the namespace that just ended; wait until they are gone.
		(wait_until machine_is_unmounted)
		rm -rf --one-file-system "$machine_own_root"
	fi
	netns_end "$status"
}

machine_is_unmounted() {
	! grep -qs "$root" /proc/mounts
}

# Prints the mirror of this machine's packages: the first one of Debian's main archive.
machine_mirror() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' \
		2>/dev/null | grep -v security | head -n 1
}

machine_root() {
	machine_own_root=$(mktemp -d /var/tmp/finwall-root.XXXXXX)
	root=$machine_own_root
	chmod 755 "$root"
	if [ -n "${2-}" ]; then
		cp -a "$2/." "$root" || fail "cannot copy $2"
		return
	fi
	command -v debootstrap >/dev/null || skip "needs debootstrap"
	mirror=$(machine_mirror)
	# shellcheck disable=SC2086 # no mirror: debootstrap's own
	debootstrap --variant=minbase --include="$1" bookworm "$root" $mirror \
		>"$work/debootstrap.txt" 2>&1 || skip "debootstrap does not work here"
}

machine_boot() {
	rm -rf "$root/var/log/journal" "$root/etc/machine-id"
	: >"$root/etc/machine-id"
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child sh -c '
		root=$1
		mount --make-rprivate / && mount --bind "$root" "$root" &&
			mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/run" &&
			mount -t tmpfs tmpfs "$root/tmp" && mount -t sysfs -o ro sysfs "$root/sys" &&
			mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" &&
			exec env -i container=finwall-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
				chroot "$root" /lib/systemd/systemd
	' sh "$root" >"$work/boot.log" 2>&1 </dev/null &
	machine_shell=$!
	bg_pids="$bg_pids $machine_shell"
	(wait_sec=60 && wait_until machine_is_up) || fail "the machine does not boot"
	machine_is_up
	ip netns attach "$ns_tag-server" "$machine_pid"
	ns_names="$ns_names server"
	ns server ip link set lo up
}

machine_is_up() {
	machine_pid=$(cat "/proc/$machine_shell/task/$machine_shell/children" 2>/dev/null)
	machine_pid=${machine_pid% }
	[ -n "$machine_pid" ] && in_machine test -S /run/systemd/private
}

# in_machine COMMAND...
in_machine() {
	nsenter -t "$machine_pid" -m -u -i -n -p -C chroot "$root" "$@"
}

is_active() {
	in_machine systemctl is-active --quiet "$1"
}

has_failed() {
	in_machine systemctl is-failed --quiet "$1"
}

# property NAME: a property of finwalld's unit.
property() {
	in_machine systemctl show -p "$1" --value finwalld
}

journal() {
	in_machine journalctl -o cat -u finwalld -u finwall-hook -u finwall-guard 2>/dev/null
}

# expect COMMAND...: polls until the command is true. On failure prints the journal.
expect() {
	if ! (wait_sec=60 && wait_until "$@" 2>/dev/null); then
		machine_why
		fail "timeout: $*"
	fi
}

machine_why() {
	journal | tail -n 40 >"$work/journal.log" || true
	in_machine systemctl status finwalld finwall-hook >>"$work/journal.log" 2>&1 || true
}

# True when a rule of finwall exists, of either tool.
hook_is_up() {
	[ "$(ns server iptables -w -S | grep -c FINWALL)" -gt 0 ] ||
		ns server nft list table inet finwall_hook 2>/dev/null
}

hook_is_down() {
	! hook_is_up
}
