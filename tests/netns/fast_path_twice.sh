#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A daemon that is killed soon after another one was: connections that the kernel fast path alone
# knew, and that are idle since, are there again.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin iptables ip6tables python3
topo_gateway client wall server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1; on-absent drop }
	hook { fast-path on; fast-path-grace 30s }
	connections { max 4096 }
	tcp { loose off }
	state { interval 1h }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established accept
		tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto ipv6-icmp accept
	}
}
CONF
cat >"$work/idle.py" <<'PY'
# idle.py FILE: sends each line of a file, prints the replies.
import socket, sys
c = socket.create_connection(("10.3.0.2", 7000))
for line in open(sys.argv[1]):
	c.sendall(line.encode())
	print(c.recv(100).decode(), end="", flush=True)
PY
state=$work/state

# start: starts the next daemon, with a new log.
start() {
	: >"$work/daemon.log"
	daemon_start wall "$work/finwall.conf" -S "$state"
}
is_leased() {
	[ "$(fast_path_field leased)" -ge 1 ]
}
killed() {
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null || true
}

fast_path_begin
start
fast_path_up wall
ns_bg server python3 "$(dirname "$0")/../support/serve_tcp.py" 10.3.0.2 7000 >"$work/serve.out"
wait_until grep -q ready "$work/serve.out"
mkfifo "$work/lines"
exec 9<>"$work/lines"
ns_bg client python3 "$work/idle.py" "$work/lines" >"$work/replies"
echo before >&9
wait_until grep -q before "$work/replies"
wait_until is_leased
[ ! -e "$state" ] || fail "connections were saved before the first kill"

killed
start
log_has 'connections taken over from the kernel fast path' || fail "nothing was taken over"
wait_until test -s "$state"
killed
start
log_has 'loaded 1 connections' || fail "the connection was not loaded"
echo after >&9
wait_until grep -q after "$work/replies"
daemon_end
