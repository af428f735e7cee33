#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A gateway's own ICMP errors about packets that it does not forward are RELATED, as in the kernel's
# tracker: the first packet of a connection had no entry yet. So traceroute, path MTU discovery and
# "no route" work through a gateway whose output chain drops INVALID packets.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin nft iptables ip6tables python3
topo_gateway client router server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct state new accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state invalid drop
		ct state established,related accept
		icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
	}
}
CONF
# The router has no route to these, and the link behind it takes smaller packets only.
ns router ip route add unreachable 192.0.2.0/24
ns router ip -6 route add unreachable 2001:db8::/32
ns router ip link set east mtu 1300
daemon_start router "$work/finwall.conf"
ns router "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null ||
	fail "hook up"

# error_for ADDRESS TTL SIZE: prints the ICMP error that the router answers to one datagram with.
error_for() {
	ns client python3 - "$@" <<-'PY'
		import errno, socket, struct, sys
		address, ttl, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		six = ":" in address
		s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
		s.setsockopt(level, 25 if six else 11, 1)   # RECVERR
		s.setsockopt(level, 23 if six else 10, 2)   # MTU_DISCOVER: DO
		s.setsockopt(level, 16 if six else 2, ttl)  # UNICAST_HOPS, TTL
		s.connect((address, 33434))
		s.send(b"x" * size)
		try:
		    s.recv(1)
		except socket.timeout:
		    sys.exit("none")
		except OSError:
		    pass
		_, control, _, _ = s.recvmsg(2000, 500, socket.MSG_ERRQUEUE)
		kind, code = struct.unpack_from("=IBBB", control[0][2])[2:4]
		print(kind, code)
	PY
}
# expect WHAT ADDRESS TTL SIZE TYPE-AND-CODE
expect() {
	got=$(error_for "$2" "$3" "$4") || fail "$1, $2: no error"
	[ "$got" = "$5" ] || fail "$1, $2: ICMP error $got, must be $5"
}
expect "hop limit" 10.3.0.2 1 20 "11 0"
expect "hop limit" fd03::2 1 20 "3 0"
expect "no route" 192.0.2.1 64 20 "3 1"
expect "no route" 2001:db8::1 64 20 "1 0"
expect "path MTU" 10.3.0.2 64 1400 "3 4"
expect "path MTU" fd03::2 64 1400 "2 0"

# Errors that arrive from elsewhere about unknown packets are INVALID: none passes the gateway.
own=$(ns router "$bin/finwall" --socket "$work/finwall.sock" stats | awk '$1 == "icmp-own" { print $3 }')
[ "${own:-0}" -ge 6 ] || fail "icmp-own counts ${own:-nothing}"
daemon_end
