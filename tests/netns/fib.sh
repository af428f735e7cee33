#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fib in rules follows the kernel: new addresses and routes, removed ones, policy routing rules and
# groups of interfaces, while packets pass; and those of the moment after a reload. A policy routing
# rule that cannot be followed is logged.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock
cat >"$conf" <<CONF
settings {
	queue { num 0; count 2; on-absent drop }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ip daddr 10.1.0.9 fib daddr type local counter comment "new address"
		ip daddr 10.1.0.2 fib daddr type != local counter comment "never"
		ip6 daddr fd01::2 fib daddr type local counter comment "old address"
		ip saddr 10.7.0.1 fib saddr . iif oif missing counter comment "no way"
		ip saddr 10.7.0.1 fib saddr . iif oif exists counter comment "way"
		iifgroup 5 counter comment "group"
	}
}
CONF
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
daemon_start server "$conf"
ns_queue server INPUT --queue-balance 0:1

# counter COMMENT: the packets that the rule has matched.
counter() {
	ends 0 show ruleset --counters
	sed -n "s/.*counter packets \([0-9]*\) .*\"$1\"$/\1/p" "$work/out"
}
# rises COMMENT COMMAND...: the command's packets match the rule, at once or soon.
rises() {
	before=$(counter "$1")
	rule=$1
	shift
	ns client "$@" >/dev/null 2>&1 || :
	[ "$(counter "$rule")" -gt "$before" ]
}
way() {
	rises "$1" ping -q -c 1 -W 1 -I 10.7.0.1 10.1.0.2
}

ns client ping -q -c 1 -W 5 10.1.0.2 >/dev/null || fail "ping"
wait_until rises "old address" ping -q -c 1 -W 1 fd01::2

# A new address, of an interface.
ns server ip address add 10.1.0.9/32 dev eth0
wait_until rises "new address" ping -q -c 1 -W 1 10.1.0.9
[ "$(counter never)" = 0 ] || fail "an address of the host was not local"

# A new route, a removed one, and one by a policy.
ns client ip address add 10.7.0.1/32 dev eth0
wait_until way "no way"
ns server ip route add 10.7.0.0/24 via 10.1.0.1
wait_until way way
ns server ip route del 10.7.0.0/24
wait_until way "no way"
ns server ip route add default via 10.1.0.1 table 99
ns server ip rule add to 10.7.0.0/24 lookup 99
wait_until way way
ns server ip rule del to 10.7.0.0/24 lookup 99
wait_until way "no way"

# Links.
[ "$(counter group)" = 0 ] || fail "a group that the interface is not in"
ns server ip link set eth0 group 5
wait_until rises group ping -q -c 1 -W 1 10.1.0.2

# After a reload too, and later changes.
ends 0 reload
wait_until way "no way"
ns server ip route add 10.7.0.0/24 via 10.1.0.1
wait_until way way

# What cannot be followed is logged once.
ns server ip rule add uidrange 0-9 lookup 99
wait_until log_has "1 policy routing rule is ignored"
daemon_end
