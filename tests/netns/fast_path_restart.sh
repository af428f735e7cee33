#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed and started again, again and again, under a bulk transfer and a stream of
# datagrams: on-absent is drop, and no packet of the leased connections is lost or INVALID. Then it
# is gone for longer than the grace: nothing passes any more. At the end no pin is left.
#
#	fast_path_restart.sh [KILLS]
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

kills=${1:-20}

netns_begin iptables ip6tables ss python3 nstat
topo_gateway client wall server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1; on-absent drop }
	hook { fast-path on; fast-path-grace 30s }
	connections { max 4096; remember-max 4096 }
	tcp { loose off }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established accept
		ct state invalid log prefix "INVALID: " drop
		tcp flags & (fin|syn|rst|ack) == syn accept
		udp dport 9 accept
		meta l4proto ipv6-icmp accept
	}
}
CONF

# Numbered datagrams, one in a millisecond; the receiver answers each hundredth, and counts.
cat >"$work/count.py" <<'PY'
import os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "send":
	s.connect(("10.3.0.2", 9))
	n = 0
	while not os.path.exists(sys.argv[2]):
		s.send(n.to_bytes(4, "big"))
		n += 1
		time.sleep(0.001)
	print(n, flush=True)
else:
	s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20) # SO_RCVBUFFORCE
	s.bind(("10.3.0.2", 9))
	print("ready", flush=True)
	s.settimeout(0.1)
	seen = set()
	while not os.path.exists(sys.argv[2]):
		try:
			data, to = s.recvfrom(100)
		except TimeoutError:
			continue
		seen.add(int.from_bytes(data, "big"))
		if len(seen) % 100 == 1:
			s.sendto(b"more", to)
	print(len(seen), flush=True)
PY

fast_path_begin
daemon_start wall "$work/finwall.conf"
fast_path_up wall
for to in 10.3.0.2 10.2.0.1; do
	ns wall ping -c 1 -W 2 "$to" >/dev/null || fail "no neighbour $to"
done

# Segments that the client has sent, and that the server has received.
ns client iptables -A OUTPUT -p tcp
ns server iptables -A INPUT -p tcp
segments() {
	ns "$1" iptables -nvxL "$2" | awk '$3 == "tcp" || $3 == 6 { print $1; exit }'
}
all_arrived() {
	segments_sent=$(segments client OUTPUT)
	segments_received=$(segments server INPUT)
	[ "$segments_sent" = "$segments_received" ]
}

ns_bg server python3 "$work/count.py" receive "$work/received" >"$work/receive.out"
wait_until grep -q ready "$work/receive.out"
ns_bg client python3 "$work/count.py" send "$work/sent" >"$work/send.out"
ns_bg server "$peer" serve 10.3.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client "$peer" steady 10.3.0.2 7000 300 >"$work/bulk.log"
bulk_pid=$bg_pid

# The stream and the transfer, which are all connections here.
both_are_leased() {
	[ "$(fast_path_field leased)" -ge 2 ]
}
# Packets of the time of the start are in the queue; the kernel drops them with the process.
queue_is_empty() {
	[ "$(queue_column wall 3 3)" = 0 ]
}
is_leased() {
	[ "$(fast_path_field leased)" -ge 1 ]
}
wait_until both_are_leased
wait_until queue_is_empty

pins=$(ls "$fast_path_dir")
killed=0
while [ "$killed" -lt "$kills" ]; do
	# at any moment of the 0.1 s after which leases are extended
	sleep "0.$(printf %03d $((killed * 37 % 100)))"
	! log_has INVALID || fail "packets were INVALID before kill $killed"
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null || true
	: >"$work/daemon.log"
	daemon_start wall "$work/finwall.conf"
	log_has 'connections taken over from the kernel fast path' || fail "nothing was taken over"
	wait_until both_are_leased
	wait_until queue_is_empty
	! gone "$bulk_pid" || fail "the transfer ended"
	! log_has INVALID || fail "packets were INVALID after $killed kills"
	[ "$(ls "$fast_path_dir")" = "$pins" ] || fail "the pins changed after $killed kills"
	killed=$((killed + 1))
done
retransmitted=$(ns client nstat -asz TcpRetransSegs | awk '$1 == "TcpRetransSegs" { print $2 }')

# The number of datagrams that were sent and received.
touch "$work/sent"
wait_until [ -s "$work/send.out" ]
sleep 0.2
touch "$work/received"
received_all() {
	[ "$(wc -l <"$work/receive.out")" = 2 ]
}
wait_until received_all
sent=$(cat "$work/send.out")
received=$(tail -n 1 "$work/receive.out")
kill -STOP "$bulk_pid"
# those under way
for _ in 1 2 3 4 5 6 7 8 9 10; do
	all_arrived && break
	sleep 0.1
done
kill -CONT "$bulk_pid"
echo "$killed kills; datagrams: $sent sent, $received received; segments: $segments_sent sent," \
	"$segments_received received, sent again $retransmitted"
[ "$sent" = "$received" ] || fail "datagrams were lost"
[ "$segments_sent" = "$segments_received" ] || fail "segments were lost"

# Gone for longer than the grace.
sed -i 's/fast-path-grace 30s/fast-path-grace 1s/' "$work/finwall.conf"
kill -HUP "$daemon_pid"
wait_until log_has 'loaded, generation 2'
wait_until is_leased
passed_before=$(fast_path_packets)
more_passed() {
	[ "$(fast_path_packets)" -gt "$passed_before" ]
}
wait_until more_passed
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null || true
# Bytes that the server's end of the transfer has received.
bulk_bytes() {
	ns server ss -Htni "sport = :7000" | sed -n 's/.*bytes_received:\([0-9]*\).*/\1/p' | sort -n | tail -n 1
}
stands_still() {
	bytes_then=$(bulk_bytes)
	sleep 0.5
	[ "$(bulk_bytes)" = "$bytes_then" ]
}
wait_until stands_still
! gone "$bulk_pid" || fail "the transfer ended"

# It goes on when there is a daemon again.
: >"$work/daemon.log"
daemon_start wall "$work/finwall.conf"
goes_on() {
	[ "$(bulk_bytes)" -gt "$bytes_then" ]
}
wait_until goes_on
! log_has INVALID || fail "packets were INVALID after the pause"
kill -TERM "$bulk_pid"
wait "$bulk_pid" || fail "the transfer: $(cat "$work/bulk.log")"
ns wall "$bin/finwall" --socket "$work/finwall.sock" hook down >>"$work/hook.log" ||
	fail "hook down"
[ -z "$(ls "$fast_path_dir" 2>/dev/null)" ] || fail "pins are left: $(ls "$fast_path_dir")"
daemon_end
