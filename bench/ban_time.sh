#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast a ban takes effect: CONNECTIONS of 20 source addresses exchange small segments through a
# gateway as fast as they can, with another BACKGROUND ones that are not banned. The addresses are
# banned one after the other by `finwall set add --kill`. Printed: the time from the start of the
# command to the last packet of the banned connections that the gateway passed, in either direction,
# by the kernel's timestamps on both links.
#
# usage: ban_time.sh [CONNECTIONS [BACKGROUND]]      as root; needs python3 and tcpdump
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../tests/support/netns.sh"

netns_begin iptables ip6tables python3 tcpdump
here=$(dirname "$0")
connections=${1:-10000}
background=${2:-1000}
ulimit -n "$(ulimit -Hn)"
topo_gateway client router server
for i in $(seq 20); do
	ns client ip addr add "10.2.1.$i/32" dev lo
done
ns router ip route add 10.2.1.0/24 via 10.2.0.1
sock=$work/finwall.sock
cat >"$work/finwall.conf" <<'END'
settings {
	queue { num 7; count 2 }
}
table inet finwall {
	set ban {
		type ipv4_addr
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ip saddr @ban drop
		ip daddr @ban drop
		ct state new accept
	}
}
END
daemon_start router "$work/finwall.conf"
ns router "$bin/finwall" --socket "$sock" hook up -c "$work/finwall.conf" >"$work/hook.log"
for iface in east west; do
	ns_bg router tcpdump -i "$iface" -Q out -s 64 -B 65536 -w "$work/$iface.pcap" \
		'tcp and net 10.2.1.0/24' 2>"$work/tcpdump-$iface.log"
	wait_until grep -q listening "$work/tcpdump-$iface.log"
done
ns_bg server python3 "$here/ban_time.py" serve 2>"$work/serve.log"
wait_until ns_listens server 7000
ns_bg client python3 "$here/ban_time.py" load "$connections" "$background" >"$work/load.log" 2>&1
wait_sec=180 wait_until grep -q ready "$work/load.log"
for i in $(seq 20); do
	printf '10.2.1.%s %s ' "$i" "$(date +%s.%N)"
	ns router "$bin/finwall" --socket "$sock" set add --kill ban "10.2.1.$i" | sed -n 2p
	sleep 0.3
done >"$work/bans"
sleep 1
for pid in $(ip netns pids "$ns_tag-router"); do
	! grep -q '^tcpdump' "/proc/$pid/comm" || kill -INT "$pid"
done
sleep 1
grep -h dropped "$work"/tcpdump-*.log
python3 "$here/ban_time.py" report "$work/bans" "$work/east.pcap" "$work/west.pcap"
