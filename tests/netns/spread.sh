#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall hook with several queues and iptables: two hosts with many connections use all queues, and
# both directions of a connection use one.
#
#	spread.sh nft|legacy
#
# The counters of the rules show a packet's queue. No daemon runs, so packets pass.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/each_port.sh
. "$(dirname "$0")/../support/each_port.sh"

kind=$1
queues=5 # does not divide evenly

netns_begin iptables ip6tables python3
multi=$(command -v "xtables-$kind-multi") || skip "needs xtables-$kind-multi"
mkdir "$work/tools"
for tool in iptables-save iptables-restore ip6tables-save ip6tables-restore; do
	ln -s "$multi" "$work/tools/$tool"
done
topo_pair client server
cat >"$work/finwall.conf" <<CONF
settings { queue { num 7; count $queues; on-absent accept } hook { backend iptables } }
table inet finwall {
	chain input { type filter hook input priority filter; policy accept; }
	chain output { type filter hook output priority filter; policy accept; }
}
CONF
ns server env PATH="$work/tools:$PATH" "$bin/finwall" --socket "$work/none" hook up \
	-c "$work/finwall.conf" >"$work/hook.log" 2>&1 || fail "hook up"
if grep -q 'by addresses only' "$work/hook.log"; then
	skip "no bpf match"
fi
grep -q 'spread over the queues by addresses and ports (bpf match)' "$work/hook.log" ||
	fail "hook did not print how packets are spread"

# Neighbour discovery must not be counted.
for chain in INPUT OUTPUT; do
	ns server "$multi" ip6tables -w -I "$chain" -p icmpv6 -j ACCEPT
done

each_port_begin

# taken TABLES CHAIN: the packets that matched each queue rule; sets the counters to 0. In two commands:
# iptables 1.8.11 refuses -n beside -Z. Nothing is sent between them.
taken() {
	ns server "$multi" "$1" -w -L "FINWALL_$2" -v -x -n | awk -v chain="FINWALL_$2" '
		$1 == "Chain" { ours = $2 == chain }
		ours && $3 == "NFQUEUE" { printf "%s ", $1 }'
	ns server "$multi" "$1" -w -Z "FINWALL_$2"
}

for family in 4 6; do
	[ "$family" = 4 ] && to=10.1.0.2 tables=iptables || to=fd01::2 tables=ip6tables
	taken "$tables" INPUT >/dev/null
	taken "$tables" OUTPUT >/dev/null

	# Both directions of a connection use one queue.
	port=40000
	while [ "$port" -lt 40030 ]; do
		each_port "$to" "$port" $((port + 2)) 10
		in=$(taken "$tables" INPUT)
		out=$(taken "$tables" OUTPUT)
		[ "$in" = "$out" ] || fail "IPv$family, port $port: in by rules $in, out by $out"
		case $in in
		*1*) ;;
		*) fail "IPv$family, port $port: no rule matched ($in)" ;;
		esac
		port=$((port + 2))
	done

	# Of many connections each queue gets at least half its share.
	each_port "$to" 50000 51000 10
	share=$(taken "$tables" INPUT)
	echo "IPv$family, 500 connections of two hosts: $share"
	rules=0
	for packets in $share; do
		rules=$((rules + 1))
		[ "$packets" -ge $((500 / queues / 2)) ] || fail "IPv$family: uneven: $share"
	done
	[ "$rules" = "$queues" ] || fail "IPv$family: $rules rules for $queues queues"
done
