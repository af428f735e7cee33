#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall replay gives the packets of a capture the same verdicts as finwalld did: the same number
# for each reason, state and verdict, and the same late closes one by one. On a gateway, with every
# late policy on a port of its own (late_matrix.py has the connections), scans, UDP, ICMP and a bulk
# transfer. Offloads are off, so that each captured packet is one queued packet. All traffic is sent
# on one CPU, so that the capture and the queue have the same order.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables python3 tcpdump ethtool taskset
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"
"$bin/finwall" replay --help | grep -q sweep || skip "built without replay"

topo_gateway gclient router gserver
for at in 'gclient eth0' 'router west' 'router east' 'gserver eth0'; do
	# shellcheck disable=SC2086 # two words
	set -- $at
	ns "$1" ethtool -K "$2" gro off gso off tso off >/dev/null
done
for to in 10.3.0.2 fd03::2; do wait_until ns_ping gclient "$to"; done

mkdir "$work/router"
python3 "$(dirname "$0")/replay_live.py" config >"$work/finwall.conf"
daemon_start router "$work/finwall.conf" -s "$work/router/finwall.sock"

# Each forwarded packet once, where it enters; no other packets.
ns_bg router tcpdump -i any -Q in -U -s 2000 -B 16384 -Z root -w "$work/live.pcap" \
	'(src net 10.2.0.0/24 and dst net 10.3.0.0/24) or (src net 10.3.0.0/24 and dst net 10.2.0.0/24)
	or (src net fd02::/64 and dst net fd03::/64) or (src net fd03::/64 and dst net fd02::/64)' \
	2>"$work/tcpdump.log"
capture=$bg_pid
wait_until grep -q '^tcpdump: listening\|, link-type' "$work/tcpdump.log"
ns router "$bin/finwall" --socket "$work/router/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null

taskset -c 0 python3 "$(dirname "$0")/replay_live.py" run "$ns_tag" "$work" "$bin" "$daemon_pid" "$capture" ||
	fail "replay and live differ"
daemon_end
