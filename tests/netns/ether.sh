#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ether saddr: the same rules in nft and in finwall match the same packets, of a veth pair and of the
# loopback interface.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables nft
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock
mac=$(ns client cat /sys/class/net/eth0/address)
rules() {
	cat <<RULES
table inet t {
	set macs { type ether_addr; elements = { 02:00:00:00:00:01, $mac }; }
	set others { type ether_addr; elements = { 02:00:00:00:00:01 }; }
	set pairs { type ether_addr . ipv4_addr; elements = { $mac . 10.1.0.1 }; }
	chain input {
		type filter hook input priority filter + 10; policy accept;
		icmp type echo-request ether saddr $mac counter comment "equal"
		icmp type echo-request ether saddr != $mac counter comment "other"
		icmp type echo-request ether saddr != 02:00:00:00:00:01 counter comment "differs"
		icmp type echo-request ether saddr @macs counter comment "set"
		icmp type echo-request ether saddr @others counter comment "no set"
		icmp type echo-request ether saddr . ip saddr @pairs counter comment "pair"
		icmp type echo-request ether saddr & ff:00:00:00:00:00 == ${mac%%:*}:00:00:00:00:00 counter comment "mask"
		icmp type echo-request ether saddr vmap { $mac : continue, 02:00:00:00:00:01 : drop }
	}
}
RULES
}
{
	echo "settings {"
	echo "	queue { num 0; count 2; on-absent drop }"
	echo "}"
	rules
} >"$conf"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
rules | ns server nft -f - || fail "nft refuses the rules"
daemon_start server "$conf"
ns_queue server INPUT --queue-balance 0:1

ns client ping -q -c 4 -i 0.2 -W 5 10.1.0.2 >/dev/null || fail "ping"
ns server ping -q -c 3 -i 0.2 -W 5 127.0.0.1 >/dev/null || fail "ping over loopback"

counters() { # of the rules with comments, in order
	sed -n 's/.*counter packets \([0-9]*\) bytes [0-9]* \(comment .*\)/\1 \2/p'
}
ns server nft list table inet t | counters >"$work/kernel"
ends 0 show ruleset --counters
counters <"$work/out" >"$work/own"
diff "$work/kernel" "$work/own" >&2 || fail "the counters differ"
grep -q '^4 comment "pair"' "$work/own" || fail "no packets matched: $(cat "$work/own")"
daemon_end
