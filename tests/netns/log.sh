#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Log statements print lines in the format of the kernel's LOG target, with current interface names.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables socat
ns_add client
ns_add server
ns_link client eth0 10.1.0.1/24 fd01::1/64 server lan7 10.1.0.2/24 fd01::2/64
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "wan*" udp dport 9 log prefix "WAN: "
		iifname "lan*" udp dport 9 log prefix "LAN: "
		tcp dport 9 tcp flags & (syn|ack) == syn log prefix "SYN: " drop
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-num 0

echo x | ns client socat -u - UDP:10.1.0.2:9,sourceport=4000
wait_until log_has '^LAN: IN=lan7 OUT= SRC=10\.1\.0\.1 DST=10\.1\.0\.2 LEN=30 .*PROTO=UDP SPT=4000 DPT=9'
echo x | ns client socat -u - 'UDP6:[fd01::2]:9'
wait_until log_has '^LAN: IN=lan7 OUT= SRC=fd01::1 DST=fd01::2 LEN=50 .*HOPLIMIT=64 PROTO=UDP'
ns client timeout 0.2 socat -u OPEN:/dev/null TCP:10.1.0.2:9 || true
wait_until log_has '^SYN: IN=lan7 .*PROTO=TCP SPT=[0-9]+ DPT=9 WINDOW=[0-9]+ SYN rule="inet finwall input [^"]*finwall.conf:[0-9]+"$'

# Rules and lines use the new name of a renamed interface.
ns server ip link set lan7 down
ns server ip link set lan7 name wan0
ns server ip link set wan0 up
wan_is_logged() {
	echo x | ns client socat -u - UDP:10.1.0.2:9
	log_has '^WAN: IN=wan0 OUT= SRC=10\.1\.0\.1 '
}
wait_until wan_is_logged
daemon_end
