#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A leased connection is cut off with its next packet: by an address that is added to a set of any
# kind, by a reload with a rule of any kind, by finwall delete and flush.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin iptables ip6tables ss python3
topo_gateway client wall server
# config RULE [CHAIN]: a rule in front of those that accept, and another chain.
config() {
	cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 3; count 1; on-absent drop }
	hook { fast-path on }
	connections { max 4096; remember-max 4096 }
	tcp { loose off }
}
table inet finwall {
	set banned { type ipv4_addr; flags interval; }
	set sources { type inet_service; flags interval; }
	set timed { type ipv4_addr; flags timeout; }
	set pairs { type ipv4_addr . inet_service; }
	${2-}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ip saddr @banned drop
		tcp sport @sources drop
		ip saddr @timed drop
		ip saddr . tcp dport @pairs drop
		${1-}
		ct state established accept
		tcp dport 7000 tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto ipv6-icmp accept
	}
}
CONF
}
fw() {
	"$bin/finwall" --socket "$work/finwall.sock" "$@"
}
# transfer: starts one that is longer than the test.
transfer() {
	ns_bg client "$peer" bulk 10.3.0.2 7000 200000 >"$work/bulk.log"
	bulk_pid=$bg_pid
	wait_until is_fast
}
is_fast() {
	passed_then=$(fast_path_packets)
	sleep 0.1
	[ $(($(fast_path_packets) - passed_then)) -gt 50 ]
}
# Bytes that the server has received of all transfers.
received() {
	ns server ss -Htni "sport = :7000" | sed -n 's/.*bytes_received:\([0-9]*\).*/\1/p' |
		awk '{ sum += $1 } END { print sum + 0 }'
}
# is_cut WHY: no packet is accepted by the kernel any more, from now on, and none by the queue.
is_cut() {
	passed_then=$(fast_path_packets)
	sleep 0.1
	received_then=$(received)
	sleep 0.4
	[ "$(fast_path_packets)" = "$passed_then" ] || fail "$1: packets still pass"
	[ "$(received)" = "$received_then" ] || fail "$1: packets still pass the queue"
	! gone "$bulk_pid" || fail "$1: the transfer has ended"
}
# reload RULE [CHAIN]
reload() {
	config "$@"
	fw reload >"$work/reload.log" || fail "reload: $1: $(cat "$work/reload.log")"
}
end_transfer() {
	kill -KILL "$bulk_pid"
	wait "$bulk_pid" 2>/dev/null || true
}

config ''
fast_path_begin
daemon_start wall "$work/finwall.conf"
fast_path_up wall
ns_bg server "$peer" serve 10.3.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"

transfer
fw set add banned 10.2.0.0/24 >"$work/set.log" || fail "set add"
is_cut "set add"
fw set delete banned 10.2.0.0/24 >>"$work/set.log" || fail "set delete"
wait_until is_fast
# Of a set of ports, --kill ends connections to these ports only: this one stays, and is dropped.
fw set add --kill sources 32768-65535 >>"$work/set.log" || fail "set add --kill"
is_cut "set add --kill"
fw set delete sources 32768-65535 >>"$work/set.log" || fail "set delete"
wait_until is_fast
fw set add pairs '10.2.0.1 . 7000' >>"$work/set.log" || fail "set add, two fields"
is_cut "set add, two fields"
fw set delete pairs '10.2.0.1 . 7000' >>"$work/set.log" || fail "set delete, two fields"
wait_until is_fast
fw set add timed '10.2.0.1 timeout 8s' >>"$work/set.log" || fail "set add, with a timeout"
is_cut "set add, with a timeout"
# and it passes again by itself
wait_until is_fast
end_transfer

transfer
while read -r rule; do
	reload "$rule"
	is_cut "$rule"
	reload ''
	wait_until is_fast
done <<'RULES'
ip saddr 10.2.0.1 drop
ip saddr . tcp dport { 10.2.0.1 . 7000 } drop
ct direction original drop
ct bytes > 1000 drop
ct mark 0 drop
quota over 1 kbytes drop
ether type ip drop
tcp option timestamp exists drop
fib saddr type unicast drop
RULES
reload '' 'chain early { type filter hook forward priority -10; ip saddr 10.2.0.1 drop; }'
is_cut "another chain"
reload '' 'chain raw { type filter hook prerouting priority raw; tcp dport 7000 notrack; }'
is_cut "notrack"
reload ''
wait_until is_fast

fw delete --dport 7000 >"$work/delete.log" 2>&1 || fail "delete: $(cat "$work/delete.log")"
is_cut "delete"
end_transfer

transfer
fw flush >"$work/flush.log" || fail "flush"
is_cut "flush"
end_transfer
daemon_end
