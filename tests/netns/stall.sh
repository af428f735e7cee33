#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nobody reads the daemon's log: standard error is a full pipe. Commands are answered, the names of
# interfaces stay current, and the daemon ends; when the pipe is read again, the log has the
# number of dropped lines.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "new0" udp dport 9 counter drop
		udp dport 9 log prefix "a prefix that makes the line longer than it would have to be, so that fewer lines fill the buffer of the log: "
	}
}
CONF

# A pipe of one page, full from the start, that this shell keeps open.
mkfifo "$work/log.pipe"
exec 9<>"$work/log.pipe"
cat >"$work/fill.py" <<'PY'
import fcntl, os
fcntl.fcntl(9, 1031, 4096)  # F_SETPIPE_SZ
os.set_blocking(9, False)
try:
	while True:
		os.write(9, b"x" * 99 + b"\n")
except BlockingIOError:
	pass
os.set_blocking(9, True)
PY
# start: the next daemon, with a log that nobody reads.
start() {
	python3 "$work/fill.py"
	ns_bg server "$bin/finwalld" -c "$work/finwall.conf" -s "$work/finwall.sock" -S none 2>&9
	daemon_pid=$bg_pid
	wait_until answers
}
answers() {
	ns server timeout 5 "$bin/finwall" --socket "$work/finwall.sock" stats >"$work/out" 2>&1
}
start
ns_queue server INPUT --queue-num 0

# Packets that are logged: more lines than the buffer takes, as far as the rate limit allows.
cat >"$work/send.py" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
	s.sendto(b"x", ("10.1.0.2", 9))
	time.sleep(0.001)
PY
ns client python3 "$work/send.py" 5
for _ in 1 2 3; do
	answers || fail "no answer while the log is not read: $(cat "$work/out")"
done

# A new interface is known at once: its rule matches.
ns_link client new1 10.9.0.1/24 - server new0 10.9.0.2/24 -
new_is_matched() {
	ns client python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.9.0.2", 9))'
	ns server timeout 5 "$bin/finwall" --socket "$work/finwall.sock" show ruleset --counters |
		grep -q 'iifname "new0" udp dport 9 counter packets [1-9]'
}
wait_until new_is_matched

# Read again.
cat <&9 >"$work/daemon.log" &
cat_pid=$!
bg_pids="$bg_pids $cat_pid"
wait_until log_has '^finwalld: [0-9]+ log lines dropped: standard error was not read$'
daemon_end
kill "$cat_pid"

# It ends although its last lines are not read.
start
daemon_end
