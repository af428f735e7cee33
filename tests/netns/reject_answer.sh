#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The RST or ICMP error for a rejected packet is sent, although the output chain drops INVALID
# packets. A packet to the broadcast address of a network is not answered.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ip daddr 10.1.0.255 log prefix "TO ALL: "
		tcp dport 7001 reject with tcp reset
		udp dport 7001 reject
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ct state invalid log prefix "OUTPUT INVALID: " drop
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null

for address in 10.1.0.2 fd01::2; do
	ns client python3 - "$address" <<'PY' || fail "the sender gets no reply, $address"
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
	s = socket.socket(family, kind)
	s.settimeout(30)
	try:
		s.connect((sys.argv[1], 7001))
		s.send(b"x")
		s.recv(1)
		sys.exit("connected")
	except ConnectionRefusedError:
		pass
PY
done

# The client does not know that the address is a broadcast address.
mac=$(ns server cat /sys/class/net/eth0/address)
ns client ip addr del 10.1.0.1/24 dev eth0
ns client ip addr add 10.1.0.1/32 dev eth0
ns client ip route add 10.1.0.0/24 dev eth0
ns client ip neigh replace 10.1.0.255 lladdr "$mac" dev eth0
refused=$(dirname "$0")/../support/refused.py
for kind in tcp udp; do
	ns client python3 "$refused" "$kind" 10.1.0.255 7001 none || fail "broadcast, $kind"
	proto=$(echo "$kind" | tr '[:lower:]' '[:upper:]')
	log_has "TO ALL:.*PROTO=$proto" || fail "broadcast, $kind: not queued"
done
ns client python3 "$refused" tcp 10.1.0.2 7001 ECONNREFUSED || fail "no reset"
log_has 'OUTPUT INVALID' && fail "a reply was INVALID"
daemon_end
