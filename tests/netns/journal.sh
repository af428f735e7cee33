#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Log lines in systemd's journal, by journald itself: the fields can be searched, and the line for
# syslog arrives with its priority. Optional: needs systemd-journald and journalctl, which run in a
# mount namespace of the test's.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

journald=/lib/systemd/systemd-journald
netns_begin iptables ip6tables python3 unshare mount journalctl "$journald"
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	events { journal on; syslog on }
	state { import-kernel off }
}
table inet fw {
	chain input {
		type filter hook input priority filter; policy accept;
		udp dport 9 log prefix "NINE: " level err accept
	}
}
CONF
cat >"$work/world.sh" <<'WORLD'
set -eu
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal /run/udev
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
for node in null zero full random urandom; do
	: >"$1/dev/$node"
	mount --bind "/dev/$node" "$1/dev/$node"
done
ln -s /run/systemd/journal/dev-log "$1/dev/log"
mount --rbind "$1/dev" /dev
mount -t cgroup2 none /sys/fs/cgroup # journald looks there for its own
"$3" >"$1/journald.out" 2>&1 &
tries=0
until [ -e /run/log/journal/*/system.journal ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 300 ] && kill -0 $! || exit 77
	sleep 0.1
done
exec "$2/finwalld" -c "$1/finwall.conf" -s "$1/finwall.sock" -S none
WORLD
ns server unshare -m true 2>/dev/null || skip "no mount namespaces"
ns_bg server unshare -m sh "$work/world.sh" "$work" "$bin" "$journald" 2>>"$work/daemon.log"
daemon_pid=$bg_pid
wait_until daemon_is_ready_or_gone
gone "$daemon_pid" && skip "systemd-journald does not start: $(cat "$work/journald.out")"
ns_queue server INPUT --queue-num 0

journal() { # journal MATCH...: the entries as JSON; the journal is in the daemon's /run
	nsenter -t "$daemon_pid" -m journalctl -D /run/log/journal -q -o json --no-pager "$@" \
		>"$work/entries" 2>"$work/journalctl.err"
}
sends() {
	ns client python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.1.0.2", 9))'
}
has_both() {
	sends
	journal FINWALL_DPORT=9 && [ -s "$work/entries" ] && cp "$work/entries" "$work/fields" &&
		journal _TRANSPORT=syslog SYSLOG_IDENTIFIER=finwalld && grep -q NINE "$work/entries"
}
wait_until has_both
python3 - "$work/fields" "$work/entries" <<'CHECK' || fail "$(cat "$work/fields" "$work/entries")"
import json, sys
field = json.loads(open(sys.argv[1]).readline())
for name, value in [("FINWALL_EVENT", "log"), ("FINWALL_PREFIX", "NINE: "), ("FINWALL_SRC", "10.1.0.1"),
                    ("FINWALL_PROTOCOL", "udp"), ("FINWALL_HOOK", "input"), ("PRIORITY", "3"),
                    ("SYSLOG_IDENTIFIER", "finwalld"), ("_TRANSPORT", "journal"), ("_COMM", "finwalld")]:
    assert field[name] == value, (name, field)
assert field["FINWALL_RULE"].endswith("finwall.conf:9"), field
line = json.loads([x for x in open(sys.argv[2]) if "NINE" in x][0])
assert line["MESSAGE"].startswith("NINE: IN=eth0") and line["PRIORITY"] == "3", line
CHECK
daemon_end
