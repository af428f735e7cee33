# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For tests of the kernel fast path: its pins are in a bpffs that all namespaces of the test see.
#
#	. "$(dirname "$0")/../support/fast_path.sh"
#	netns_begin iptables ip6tables
#	fast_path_begin                  # exits 77 where there is no kernel fast path
#	daemon_start server "$work/finwall.conf"
#	fast_path_up server
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

fast_path_mounts=

# fast_path_begin [DIR]: mounts the bpffs beside the control socket in DIR, by default $work.
fast_path_begin() {
	fast_path_dir=${1:-$work}/fast-path
	"$bin/finwall" version | grep -q 'kernel fast path: yes' ||
		skip "built without clang or libbpf"
	mkdir "$fast_path_dir"
	mount -t bpf -o mode=0755 bpf "$fast_path_dir" 2>/dev/null || skip "cannot mount a bpffs"
	fast_path_mounts="$fast_path_mounts $fast_path_dir"
	trap 'fast_path_end' EXIT
}

fast_path_end() {
	fast_path_status=$?
	for fast_path_dir in $fast_path_mounts; do
		umount -l "$fast_path_dir" 2>/dev/null || true
	done
	netns_end "$fast_path_status"
}

# fast_path_up NAME: installs the hook rules, and waits until the daemon uses the fast path.
fast_path_up() {
	ns "$1" "$bin/finwall" --socket "$work/finwall.sock" hook up >"$work/hook.log" 2>&1 ||
		fail "hook up"
	if grep -q 'no pinned bpf match' "$work/hook.log"; then
		skip "no xt_bpf"
	fi
	grep -q 'kernel fast path for' "$work/hook.log" || fail "no kernel fast path"
	wait_until log_has 'the kernel fast path is used'
}

# fast_path_field NAME [SOCKET]: a number of the kernel fast path's statistics.
fast_path_field() {
	"$bin/finwall" --socket "${2:-$work/finwall.sock}" stats --output json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["fast_path"][sys.argv[1]])' "$1"
}

# fast_path_packets: how many packets the kernel side has accepted.
fast_path_packets() {
	fast_path_field packets
}

fast_path_is_unused() {
	[ "$(fast_path_field leased)" = 0 ]
}
