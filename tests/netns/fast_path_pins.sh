#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pins of the kernel fast path: a daemon that meets half of them waits for the others; a
# symbolic link in place of the bpffs is not followed.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin iptables ip6tables
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1 }
	hook { fast-path on }
	connections { max 4096; remember-max 4096 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established accept
	}
}
CONF
# load SOCKET
load() {
	ns server "$bin/finwall" --socket "$1" hook load -c "$work/finwall.conf" \
		>"$work/load.log" 2>&1 || fail "hook load: $(cat "$work/load.log")"
}

fast_path_begin
load "$work/finwall.sock"
! grep -q 'no kernel fast path' "$work/load.log" || skip "$(cat "$work/load.log")"
pins=$(ls "$fast_path_dir")

mv "$fast_path_dir/leases" "$fast_path_dir/away"
daemon_start server "$work/finwall.conf"
wait_until log_has 'no kernel fast path: .*: No such file or directory'
mv "$fast_path_dir/away" "$fast_path_dir/leases"
wait_until log_has 'the kernel fast path is used'
[ "$(grep -c 'no kernel fast path' "$work/daemon.log")" = 1 ] || fail "logged more than once"
daemon_end

mkdir "$work/other"
ln -s "$fast_path_dir" "$work/other/fast-path"
load "$work/other/finwall.sock"
grep -q 'no kernel fast path: .*bpffs' "$work/load.log" || fail "followed: $(cat "$work/load.log")"
ns server "$bin/finwall" --socket "$work/other/finwall.sock" hook unload || fail "hook unload"
[ "$(ls "$fast_path_dir")" = "$pins" ] || fail "the pins changed"
[ -L "$work/other/fast-path" ] || fail "the link is gone"
