#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A daemon that hangs: commands end with an error, those whose request waits and those that cannot
# even connect, because others wait. When it goes on, it answers again.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin python3
ns_add server
sock=$work/finwall.sock
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 7; count 1 }
}
table inet filter {
	chain input { type filter hook input priority filter; policy accept; }
}
CONF
cat >"$work/fill.py" <<'PY'
# Connects until nobody can, and keeps the connections until standard input ends.
import socket, sys
clients = []
while True:
	s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	s.setblocking(False)
	try:
		s.connect(sys.argv[1])
	except BlockingIOError:
		break
	clients.append(s)
print("full", len(clients), flush=True)
sys.stdin.read()
PY

daemon_start server "$work/finwall.conf"
kill -STOP "$daemon_pid"
# no_reply NAME: a command ends because it has no reply.
no_reply() {
	code=0
	timeout 90 "$bin/finwall" --socket "$sock" stats >"$work/$1" 2>&1 || code=$?
	[ "$code" = 3 ] && grep -q 'no reply from the daemon' "$work/$1" ||
		fail "$1: exit status $code: $(cat "$work/$1")"
}
(no_reply 'a request that waits') &
waits_pid=$!
mkfifo "$work/fill.in"
python3 "$work/fill.py" "$sock" <"$work/fill.in" >"$work/fill.out" &
exec 8>"$work/fill.in"
wait_until grep -q full "$work/fill.out"
no_reply 'a command that cannot connect'
wait "$waits_pid" || fail 'a request that waits did not end as it must'

exec 8>&-
kill -CONT "$daemon_pid"
wait_until finwall stats
daemon_end
