#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall hook with several queues and nft's queue statement: two hosts with many connections use all
# queues, and both directions of a connection use one. Skipped where the kernel has no such statement.
#
# The kernel's counter of each queue shows a packet's queue.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/each_port.sh
. "$(dirname "$0")/../support/each_port.sh"

first=7
queues=5 # does not divide evenly

netns_begin nft python3
topo_pair client server
printf 'table inet t {\n chain c {\n queue to symhash mod 2\n }\n}\n' | ns server nft -c -f - 2>/dev/null ||
	skip "no nft queue statement with symhash"
for n in client server; do
	# Only what the test sends is queued: no neighbour discovery, no question for routers.
	ns "$n" sysctl -qw net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.router_solicitations=0
done
client_mac=$(ns client cat /sys/class/net/eth0/address)
server_mac=$(ns server cat /sys/class/net/eth0/address)
for family in 10.1.0 fd01:; do
	sep=.
	[ "$family" = 10.1.0 ] || sep=:
	ns client ip neigh replace "$family${sep}2" lladdr "$server_mac" dev eth0 nud permanent
	ns server ip neigh replace "$family${sep}1" lladdr "$client_mac" dev eth0 nud permanent
done

cat >"$work/finwall.conf" <<CONF
settings { queue { num $first; count $queues; on-absent drop } hook { backend nft } state { import-kernel off } }
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		udp dport 7000 accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established accept
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" \
	>"$work/hook.log" 2>&1 || fail "hook up"
grep -q 'nft queue statement' "$work/hook.log" || fail "hook does not use the queue statement"
grep -q 'spread over the queues by addresses and ports (symhash)' "$work/hook.log" ||
	fail "hook did not print how packets are spread"

each_port_begin

# packets: the packets that each queue had so far, by its number.
packets() {
	ns server awk -v from="$first" -v to="$((first + queues - 1))" '
		$1 >= from && $1 <= to { n[$1] = $8 }
		END { for (q = from; q <= to; q++) printf "%d ", n[q] }' /proc/net/netfilter/nfnetlink_queue
}
# taken BEFORE AFTER: their differences.
taken() {
	echo "$1 $2" | awk '{ for (i = 1; i <= NF / 2; i++) printf "%d ", $(i + NF / 2) - $i }'
}

# one_queue ADDRESS PORT: a datagram and its reply use one queue, and no other has a packet. A packet
# of the kernel's own may have come between, so that there are more tries.
one_queue() {
	for _ in 1 2 3 4 5; do
		before=$(packets)
		each_port "$1" "$2" $(($2 + 2)) 30 || fail "no reply to $1 port $2"
		seen=$(taken "$before" "$(packets)")
		[ "$(echo "$seen" | tr ' ' '\n' | sort -n | tr '\n' ' ')" != " 0 0 0 0 2 " ] || return 0
	done
	fail "$1, port $2: packets by queue: $seen"
}

for to in 10.1.0.2 fd01::2; do
	port=40000
	while [ "$port" -lt 40030 ]; do
		one_queue "$to" "$port"
		port=$((port + 2))
	done

	# Of many connections each queue gets at least half its share.
	before=$(packets)
	each_port "$to" 50000 51000 30
	share=$(taken "$before" "$(packets)")
	echo "$to, 500 connections of two hosts, packets by queue: $share"
	for n in $share; do
		[ "$n" -ge $((1000 / queues / 2)) ] || fail "$to: uneven: $share"
	done
done
ns server "$bin/finwall" --socket "$work/finwall.sock" hook down >>"$work/hook.log" 2>&1 || fail "hook down"
daemon_end
