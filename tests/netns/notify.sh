#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The notifications for a service manager (Type=notify-reload): READY=1 at start; for each reload,
# by signal or command, successful or not, first RELOADING=1 with the time, then READY=1;
# STOPPING=1.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin python3
ns_add wall
cat >"$work/manager.py" <<'PY'
# Prints each datagram in a line: the monotonic time in microseconds, then the lines of the
# datagram.
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
	text = s.recv(4096).decode()
	print(time.monotonic_ns() // 1000, *text.split("\n"), sep="|", flush=True)
PY
usec() {
	python3 -c 'import time; print(time.monotonic_ns() // 1000)'
}
ns_bg wall python3 "$work/manager.py" "$work/notify" >"$work/heard"
wait_until grep -q listening "$work/heard"
heard_times() {
	[ "$(grep -c "$1" "$work/heard")" = "$2" ]
}

# hears STATUS: since the last call one reload was notified, in this order, with this status,
# between $asked and now.
hears() {
	reloads=$((reloads + 1))
	wait_until heard_times '|RELOADING=1' $reloads
	wait_until heard_times '|READY=1' $((reloads + 1))
	tail -n 2 "$work/heard" >"$work/last"
	grep -n '' "$work/last" >>"$work/manager.log"
	sed -n 1p "$work/last" | grep -Eq '^[0-9]+\|RELOADING=1\|MONOTONIC_USEC=[0-9]+$' ||
		fail "reload $reloads: no RELOADING before READY"
	sed -n 2p "$work/last" | grep -Eq "^[0-9]+\|READY=1\|STATUS=$1" ||
		fail "reload $reloads: another status than $1"
	notified=$(sed -n '1s/.*MONOTONIC_USEC=//p' "$work/last")
	came=$(sed -n '1s/|.*//p' "$work/last")
	if [ "$asked" -gt "$notified" ] || [ "$notified" -gt "$came" ]; then
		fail "reload $reloads: asked at $asked, RELOADING of $notified, received at $came"
	fi
}

echo 'settings { queue { num 0; count 1 } }' >"$work/finwall.conf"
export NOTIFY_SOCKET="$work/notify"
daemon_start wall "$work/finwall.conf"
wait_until heard_times '|READY=1|STATUS=Filtering' 1
! grep -q RELOADING "$work/heard" || fail "RELOADING at start"

reloads=0
asked=$(usec)
kill -HUP "$daemon_pid"
hears Filtering
asked=$(usec)
ns wall "$bin/finwall" --socket "$work/finwall.sock" reload || fail "reload failed"
hears Filtering
echo nonsense >"$work/finwall.conf"
asked=$(usec)
kill -HUP "$daemon_pid"
hears 'Last reload failed'
asked=$(usec)
! ns wall "$bin/finwall" --socket "$work/finwall.sock" reload 2>/dev/null ||
	fail "an invalid configuration was loaded"
hears 'Last reload failed'

daemon_end
wait_until heard_times '|STOPPING=1|STATUS=' 1
tail -n 1 "$work/heard" | grep -q 'STOPPING=1' || fail "a notification after STOPPING"
