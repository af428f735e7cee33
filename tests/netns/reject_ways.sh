#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reject_ways.sh plain|ct: each way to reject reaches the sender: TCP reset and ICMP error,
# IPv4 and IPv6, for packets to this host, through it, from it, and over loopback.
# ct: another rule uses the kernel's connection tracker.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

beside=$1
refused=$(dirname "$0")/../support/refused.py

netns_begin nft iptables ip6tables python3
topo_gateway client router server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	hook { loopback on }
}
table inet finwall {
	chain refuse {
		tcp dport 7001 reject with tcp reset
		tcp dport 7002 reject
		udp dport 7001 reject
		tcp dport 7003 reject with icmpx host-unreachable
		tcp dport 7004 reject with icmpx admin-prohibited
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ct state invalid drop
		jump refuse
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state invalid drop
		jump refuse
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ct state invalid log prefix "OUTPUT INVALID: " drop
		jump refuse
	}
}
CONF

if [ "$beside" = ct ]; then
	ns router nft -f - <<-'NFT' || skip "nft cannot use the kernel's tracker"
		table inet beside {
			chain input {
				type filter hook input priority 10;
				ct state established counter
			}
		}
	NFT
fi

daemon_start router "$work/finwall.conf"
ns router "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null ||
	fail "hook up"

failed=
# expect NAMESPACE KIND ADDRESS PORT ERRORS
expect() {
	got=$(ns "$1" python3 "$refused" "$2" "$3" "$4" "$5") ||
		failed="$failed
$1 to $3, $2 port $4: $got, expected $5"
}
# ways NAMESPACE ADDRESS4 ADDRESS6
ways() {
	for to in "$2" "$3"; do
		expect "$1" tcp "$to" 7001 ECONNREFUSED
		expect "$1" tcp "$to" 7002 ECONNREFUSED
		expect "$1" udp "$to" 7001 ECONNREFUSED
	done
	expect "$1" tcp "$2" 7003 EHOSTUNREACH
	expect "$1" tcp "$3" 7003 EHOSTUNREACH
	expect "$1" tcp "$2" 7004 EHOSTUNREACH
	expect "$1" tcp "$3" 7004 EACCES
}

ways client 10.2.0.254 fd02::fe
ways client 10.3.0.2 fd03::2
ways router 10.3.0.2 fd03::2
ways router 127.0.0.1 ::1
[ -z "$failed" ] || fail "no answer:$failed"
log_has 'OUTPUT INVALID' && fail "an answer was queued"
daemon_end
