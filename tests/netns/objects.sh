#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall counter and finwall quota: list and reset objects with a name while packets pass. Maps change
# by command. What was added to sets and maps is there after a restart, also after SIGKILL.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables python3
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock

cat >"$conf" <<CONF
settings {
	queue { num 0; count 2; on-absent drop }
	state { interval 1s }
}
table inet t {
	counter seen { comment "datagrams"; }
	quota some { over 100 kbytes; }
	quota other { until 5 bytes; }
	set knocked { type ipv4_addr; flags dynamic,timeout; timeout 10m; }
	set banned { type ipv4_addr; flags timeout; }
	map ways { type inet_service : verdict; elements = { 7 : drop } }
	chain input {
		type filter hook input priority filter; policy accept;
		ip saddr @banned drop
		udp dport 9 update @knocked { ip saddr }
		udp dport vmap @ways
		udp dport 7000-7100 counter name seen
		udp dport 7001 quota name some drop
	}
}
table ip t { counter seen { }; }
CONF

# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
# send COUNT PORT SIZE
send() {
	ns client python3 - "$@" <<'PY'
import socket, sys
count, port, size = map(int, sys.argv[1:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(count):
    s.sendto(b"x" * size, ("10.1.0.2", port))
PY
}
# start: starts the next daemon, with a new log.
start() {
	[ ! -e "$work/daemon.log" ] || cat "$work/daemon.log" >>"$work/daemons.txt"
	: >"$work/daemon.log"
	daemon_start server "$conf" -S "$work/state"
}
# counted PACKETS: waits until the counter of table inet t has that many.
counted() {
	for _ in $(seq 100); do
		ends 0 counter list seen --table 'inet t'
		grep -qE "^seen +inet t +$1 " "$work/out" && return
		sleep 0.1
	done
	fail "not $1 packets: $(cat "$work/out")"
}

start
ns_queue server INPUT --queue-balance 0:1

# Counters.
ends 0 counter list
out_has '^seen +inet t +0 +0$'
out_has '^seen +ip t +0 +0$'
send 10 7000 72
counted 10
out_has '^seen +inet t +10 +1000$'
ends 0 counter reset seen --table 'inet t'
out_has '^seen +inet t +10 +1000$'
counted 0
send 3 7000 72
counted 3
ends 0 counter reset --all --output json
python3 - "$work/out" <<'PY' || fail "counters as JSON"
import json, sys
objects = {(o["family"], o["name"]): o for o in json.load(open(sys.argv[1]))}
assert objects["inet", "seen"]["packets"] == 3 and objects["inet", "seen"]["bytes"] == 300
assert objects["inet", "seen"]["comment"] == "datagrams" and objects["ip", "seen"]["packets"] == 0
PY
counted 0
ends 1 counter list nosuch
err_has 'there is no counter nosuch'
ends 1 counter reset seen --table 'ip6 t'
err_has 'there is no counter seen in table ip6 t'
ends 2 counter reset

# Quotas.
send 2 7001 972
counted 2
ends 0 quota list
out_has '^some +inet t +2000 +102400  over$'
out_has '^other +inet t +0 +5  until$'
ends 0 quota reset some
out_has '^some +inet t +2000 +102400  over$'
ends 0 quota list some
out_has '^some +inet t +0 +102400  over$'

# Maps.
ends 0 set list ways
out_has '^7 : drop$'
ends 0 set add ways '7002 : drop' 7003 : accept
out_has '2 added'
ends 1 set add ways '7002 : accept'
err_has '7002 : accept overlaps with 7002 of map ways'
ends 0 counter reset --all
send 5 7002 72
send 4 7004 72
counted 4
ends 0 set delete ways 7002
send 5 7002 72
counted 9
ends 0 show ruleset
out_has 'elements = \{ 7 : drop, 7003 : accept \}'

# Over a restart: what rules and commands added.
ends 0 set add banned '192.0.2.1 timeout 1h' 192.0.2.2 '192.0.2.3 timeout 1s'
send 1 9 1
wait_knocked() {
	for _ in $(seq 100); do
		ends 0 set list knocked
		grep -q '^10\.1\.0\.1 ' "$work/out" && return
		sleep 0.1
	done
	fail "no element: $(cat "$work/out")"
}
is_restored() {
	ends 0 set list knocked
	out_has '^10\.1\.0\.1 expires (10m|9m)'
	ends 0 set list banned
	out_has '^192\.0\.2\.1 timeout 1h expires 59m'
	out_has '^192\.0\.2\.2$'
	! grep -q 192.0.2.3 "$work/out" || fail "an element has not expired"
	ends 0 set list ways
	out_has '^7003 : accept$'
}
wait_knocked
sleep 1
daemon_end
start
is_restored
# After SIGKILL, those of the last save, each second.
ends 0 set add banned 192.0.2.4
for _ in $(seq 100); do
	grep -q 192.0.2.4 "$work/state.sets" && break
	sleep 0.1
done
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null || :
start
is_restored
ends 0 set list banned
out_has '^192\.0\.2\.4$'
# A deleted one stays deleted.
ends 0 set delete banned 192.0.2.4
daemon_end
start
ends 0 set list banned
! grep -q 192.0.2.4 "$work/out" || fail "a deleted element is there again"
daemon_end
