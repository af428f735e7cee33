#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A service manager stores the sockets of the queues: 20 restarts under load lose no packet,
# although on-absent is drop. Packets wait in the kernel for the next process. After SIGKILL the
# next process has the same queues too.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
echo=$(dirname "$0")/../support/echo.py
keeper=$bin/../tests/keeper

netns_begin iptables ip6tables ss python3
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 2; on-absent drop }
	tcp { loose off }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		tcp flags & (fin|syn|rst|ack) == syn accept
		udp dport 9 accept
		meta l4proto ipv6-icmp accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
		meta l4proto ipv6-icmp accept
	}
}
CONF

# Numbered datagrams, one or two in a millisecond; the receiver counts them and the duplicates.
cat >"$work/count.py" <<'PY'
import os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "send":
	s.connect(("10.1.0.2", 9))
	n = 0
	while not os.path.exists(sys.argv[2]):
		s.send(n.to_bytes(4, "big"))
		n += 1
		time.sleep(0.0005)
	print(n, flush=True)
else:
	SO_RCVBUFFORCE = 33
	s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
	s.bind(("10.1.0.2", 9))
	print("ready", flush=True)
	s.settimeout(0.1)
	seen = set()
	again = 0
	while True:
		try:
			n = int.from_bytes(s.recv(100), "big")
			again += n in seen
			seen.add(n)
		except TimeoutError:
			pass
		with open(sys.argv[2] + ".new", "w") as f:
			f.write(f"{len(seen)} {again}\n")
		os.rename(sys.argv[2] + ".new", sys.argv[2])
PY

ns_bg server "$keeper" "$work/notify" "$bin/finwalld" -c "$work/finwall.conf" \
	-s "$work/finwall.sock" -S "$work/state" >"$work/keeper.log" 2>>"$work/daemon.log"
keeper_pid=$bg_pid
is_run() {
	grep -q "^ready $1\$" "$work/keeper.log" || gone "$keeper_pid"
}
wait_until is_run 1
! gone "$keeper_pid" || fail "finwalld ended"
holder=$(queue_column server 3 2)-$(queue_column server 4 2)
ns_queue server INPUT --queue-balance 3:4
ns_queue server OUTPUT --queue-balance 3:4

ns_bg server python3 "$echo" serve 10.1.0.2 >"$work/serve.log"
ns_bg server python3 "$work/count.py" receive "$work/received" >"$work/receive.log"
wait_until grep -q ready "$work/serve.log"
wait_until grep -q ready "$work/receive.log"
ns_bg client python3 "$echo" send 10.1.0.2 "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
echo_pid=$bg_pid
ns_bg client python3 "$work/count.py" send "$work/enough" >"$work/sent"
sent_pid=$bg_pid
wait_until test -s "$work/rounds"

rounds_beyond() {
	[ "$(cat "$work/rounds")" -gt "$1" ]
}
run=1
wait_sec=60
while [ $run -le 20 ]; do
	wait_until rounds_beyond $(($(cat "$work/rounds") + 20))
	kill -USR1 "$keeper_pid"
	run=$((run + 1))
	wait_until is_run $run
	! gone "$keeper_pid" || fail "finwalld ended"
	[ "$holder" = "$(queue_column server 3 2)-$(queue_column server 4 2)" ] ||
		fail "restart $run: the queues have other holders"
done
[ "$(grep -c '^finwalld: 2 queues reused from the previous process' "$work/daemon.log")" = 20 ] ||
	fail "queues were not reused 20 times"
grep '^exit' "$work/keeper.log" | grep -v '^exit [0-9]* 0$' && fail "a daemon failed"
wait_until rounds_beyond $(($(cat "$work/rounds") + 20))
touch "$work/enough"
wait "$sent_pid"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
all_came() {
	[ "$(cat "$work/received")" = "$(cat "$work/sent") 0" ]
}
wait_sec=60
wait_until all_came
[ "$(queue_column server 3 6)$(queue_column server 3 7)$(queue_column server 4 6)$(queue_column server 4 7)" = 0000 ] ||
	fail "the kernel dropped packets"
echo "20 restarts, $(cat "$work/sent") datagrams, none lost; $(cat "$work/echo.log")"

# Killed under a flood: the queues stay, and packets without a verdict do not stay in them.
cat >"$work/flood.py" <<'PY'
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.1.0.2", 9))
while not os.path.exists(sys.argv[1]):
	for i in range(1000):
		s.send(b"x" * 4)
PY
ns_bg client python3 "$work/flood.py" "$work/flooded"
flood_pid=$bg_pid
waits() {
	[ "$(($(queue_column server 3 3) + $(queue_column server 4 3)))" -gt 0 ]
}
nothing_waits() {
	! waits
}
run=21
while [ $run -le 25 ]; do
	wait_until waits
	kill -USR2 "$keeper_pid"
	run=$((run + 1))
	wait_until is_run $run
	[ "$holder" = "$(queue_column server 3 2)-$(queue_column server 4 2)" ] ||
		fail "after a kill the queues have other holders"
done
touch "$work/flooded"
wait "$flood_pid"
wait_until nothing_waits
! grep -q kernel-errors "$work/daemon.log" || fail "the kernel refused verdicts"
kill -USR1 "$keeper_pid"
wait_until is_run 27

# Fewer queues: the other queue is read as long as hook rules use it; then its stored socket is closed.
sed -i 's/count 2/count 1/' "$work/finwall.conf"
kill -USR1 "$keeper_pid"
wait_until is_run 28
queue_exists server 4 || fail "the queue that the hook rules use is closed"
for tables in iptables ip6tables; do
	ns server "$tables" -w -F
done
kill -USR1 "$keeper_pid"
wait_until is_run 29
one_queue() {
	queue_exists server 3 && ! queue_exists server 4
}
wait_until one_queue
kill -TERM "$keeper_pid"
wait "$keeper_pid" || fail "the last daemon ended with $?"
