#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sender of a rejected packet gets a TCP reset or an ICMP error; hook rules made by hand.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables socat python3
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
refused TCP:10.1.0.2:7001 || fail "no TCP reset"
refused 'TCP6:[fd01::2]:7001' || fail "no TCP reset by IPv6"
for to in 10.1.0.2 fd01::2; do
	ns client python3 "$(dirname "$0")/../support/refused.py" udp "$to" 7002 ECONNREFUSED ||
		fail "no ICMP error, $to"
done

# A rejected packet has a verdict at once: it is not queued again.
before=$(queue_column server 0 8)
refused TCP:10.1.0.2:7001 || fail "no second TCP reset"
[ $(($(queue_column server 0 8) - before)) -lt 5 ] || fail "a rejected packet is queued again"

# Above the rate limit no ICMP error is sent, which is counted.
ns client python3 - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(100):
    s.sendto(b"x", ("10.1.0.2", 7002))
PY
limited() {
	[ "$(ns server "$bin/finwall" --socket "$work/finwall.sock" stats --output json |
		python3 -c 'import json, sys
print(sum(c["count"] for q in json.load(sys.stdin)["queues"] for c in q["counters"]
          if c["name"] == "raw-limited"))')" -gt 80 ]
}
wait_until limited
daemon_end
