#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A rejected packet passes the hook again, where a rule of the kernel replies to its sender. Without
# that rule it is dropped, not queued again and again.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables socat
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 7001 reject with tcp reset
		udp dport 7002 reject
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-num 0

# refused ADDRESS: the connection is refused at once.
refused() {
	timeout 40 ip netns exec "$ns_tag-client" socat -u OPEN:/dev/null "$1,connect-timeout=30" \
		2>"$work/refused.log" && return 1
	grep -q 'refused' "$work/refused.log"
}
# No socket listens on these ports: the test is whether the reject rule replied.
answers() {
	ns server iptables -w -nvxL INPUT | awk '$3 == "REJECT" { n += $1 } END { print n + 0 }'
}

refused TCP:10.1.0.2:7001 || fail "no TCP reset"
[ "$(answers)" = 1 ] || fail "the reject rule did not match"
echo x | ns client socat -u - UDP:10.1.0.2:7002
rejected_udp() {
	[ "$(answers)" = 2 ]
}
wait_until rejected_udp
refused 'TCP6:[fd01::2]:7001' || fail "no TCP reset by IPv6"

# Without the reject rules.
ns server iptables -w -F INPUT
ns server iptables -w -A INPUT -j NFQUEUE --queue-num 0
echo x | ns client socat -u - UDP:10.1.0.2:7002
idle() {
	[ "$(queue_column server 0 3)" = 0 ]
}
wait_until idle
before=$(queue_column server 0 8)
ns_ping_ok() {
	ns_ping client 10.1.0.2
}
ns_ping_ok || fail "no ping passes the queue"
[ $(($(queue_column server 0 8) - before)) -lt 100 ] ||
	fail "a rejected packet is queued again and again"
wait_until log_has '1 reject-loops'
daemon_end
