#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The state file: a transfer goes on across stop and start, and across SIGKILL. A connection that
# expired before the stop, or while no daemon ran, can still be closed afterwards. loose is off, so
# a connection that is not in the file stays stuck. The daemon starts with an invalid file, and runs
# without a writable directory.
#
#	state.sh drop|accept       what happens to packets while there is no daemon
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

absent=$1
echo=$(dirname "$0")/../support/echo.py
[ "$absent" = drop ] && bypass= || bypass=--queue-bypass

netns_begin iptables ip6tables ss python3
topo_pair client server
cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 0; count 2; on-absent $absent }
	connections { resurrect off }
	tcp { loose off; timeout established 5s }
	state { file /nonexistent/folder/state; interval 1s }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto ipv6-icmp accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
	}
}
CONF
state=$work/var/state

# start: starts the next daemon, with a new log.
start() {
	[ ! -e "$work/daemon.log" ] || cat "$work/daemon.log" >>"$work/daemons.txt"
	: >"$work/daemon.log"
	daemon_start server "$work/finwall.conf" -S "$state"
}

expired_has() {
	ns server "$bin/finwall" --socket "$work/finwall.sock" list --expired >"$work/out" &&
		grep -Eq -- "$1" "$work/out"
}

rounds() {
	cat "$work/rounds" 2>/dev/null || echo 0
}
rounds_beyond() {
	[ "$(rounds)" -gt "$1" ]
}
# flows_on: the transfer makes progress, far beyond the windows at the call.
flows_on() {
	wait_until rounds_beyond $(($(rounds) + 200))
}

: >"$work/daemon.log"
start
ns_queue server INPUT --queue-balance 0:1 $bypass
ns_queue server OUTPUT --queue-balance 0:1 $bypass
ns_bg server python3 "$echo" serve 10.1.0.2 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$echo" send 10.1.0.2 "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
echo_pid=$bg_pid
flows_on

# Connections that expire before the stop.
mkfifo "$work/commands"
exec 9<>"$work/commands"
ns_bg server "$peer" listen 7001-7002 10.1.0.2 >"$work/listen.log"
wait_until grep -q ready "$work/listen.log"
# A shell gives its background processes an empty standard input; this one needs the pipe.
ns_bg client sh -c "exec '$peer' connect 7001-7002 10.1.0.2 <&9" >"$work/connect.log"
wait_until grep -q ready "$work/connect.log"
wait_until expired_has ':7001 '
wait_until expired_has ':7002 '

# Stop, and start.
daemon_end
[ "$(stat -c %a "$state")" = 600 ] || fail "the state file has other permissions than 600"
[ ! -e "$state.new" ] || fail "a temporary file is left"
start
log_has '^finwalld: loaded [1-9][0-9]* connections and 2 remembered connections, down for [0-9.]+ s$' ||
	fail "nothing was loaded"
flows_on

# SIGKILL some time after a save.
saved_since() {
	[ "$(stat -c %i-%Y "$state")" != "$1" ]
}
wait_until saved_since "$(stat -c %i-%Y "$state")"
flows_on
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null || true
start
log_has 'remembered connections, down for ' || fail "nothing was loaded after the kill"
flows_on

# The late close.
expired_has ':7001 .* idle$' || fail "the expired connection was forgotten"
echo fin 7001 >&9
wait_until grep -q '^eof .* 7001' "$work/listen.log"

# A connection that expires while no daemon runs.
ns_bg server "$peer" listen 7003 10.1.0.2 >"$work/listen3.log"
wait_until grep -q ready "$work/listen3.log"
mkfifo "$work/commands3"
exec 8<>"$work/commands3"
ns_bg client sh -c "exec '$peer' connect 7003 10.1.0.2 <&8" >"$work/connect3.log"
wait_until grep -q ready "$work/connect3.log"
touch "$work/enough"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
cat "$work/echo.log"
daemon_end
down_since=$(date +%s)
over() {
	[ "$(date +%s)" -gt $((down_since + 6)) ]
}
wait_until over
start
expired_has ':7003 .* restart$' ||
	fail "the connection that expired meanwhile is not remembered: $(cat "$work/out")"
echo fin 7003 >&8
wait_until grep -q '^eof .* 7003' "$work/listen3.log"
daemon_end

# An invalid state file is logged once, renamed, and ignored.
echo nonsense >"$state"
start
log_has "^finwalld: $state: .*: renamed to $state.bad, starting with an empty connection table$" ||
	fail "the invalid file was not refused"
[ "$(cat "$state.bad")" = nonsense ] || fail "the invalid file was not kept"
daemon_end
[ -s "$state" ] || fail "no new state was written"

# A state file of a newer version.
python3 - "$state" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
	f.seek(8)
	f.write(b"\x63")
PY
start
log_has "^finwalld: $state: .*: renamed to " || fail "another version's file was not refused"
daemon_end

# A failed save is logged once, and the daemon keeps running.
state=/proc/nowhere/state
start
failed_saves() {
	[ "$(grep -c 'cannot save connections' "$work/daemon.log")" = 1 ]
}
wait_until failed_saves
sleep_end=$(($(date +%s) + 3))
three_saves_later() {
	[ "$(date +%s)" -ge $sleep_end ]
}
wait_until three_saves_later
daemon_end
failed_saves || fail "the failed save was logged more than once"
