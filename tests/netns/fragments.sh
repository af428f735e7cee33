#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hook defragment on: the kernel reassembles fragments before the queue, and tracks no connection.
# Off: every fragment but the first is INVALID. hook down ends reassembly.
#
#	fragments.sh legacy|nft
#
# PATH decides which of the two variants of iptables is used.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
multi=$(command -v "xtables-$1-multi") || skip "needs xtables-$1-multi"
mkdir "$work/tools"
for tool in iptables-save iptables-restore ip6tables-save ip6tables-restore; do
	ln -s "$multi" "$work/tools/$tool"
done
topo_gateway client wall server

conf() {
	cat <<CONF
settings {
	queue { num 3; count 1 }
	hook { backend iptables; defragment $1 }
}
table inet finwall {
	chain input { type filter hook input priority filter; policy accept; }
	chain forward { type filter hook forward priority filter; policy accept; }
	chain output { type filter hook output priority filter; policy accept; }
}
CONF
}
hook() {
	ns wall env PATH="$work/tools:$PATH" "$bin/finwall" --socket "$work/finwall.sock" hook "$@" \
		>>"$work/hook.log" 2>&1 || fail "hook $*"
}
# reason NAME: the number of packets with this reason.
reason() {
	"$bin/finwall" --socket "$work/finwall.sock" stats -o json | python3 -c 'import json, sys
print(sum(r["packets"] for r in json.load(sys.stdin)["reasons"]
          if r["name"] == sys.argv[1] or r["state"] == sys.argv[1]))' "$1"
}
# large NAME ADDRESS PROTOCOL: sends 5000 bytes and gets them back, as a datagram or as an echo.
large() {
	ns "$1" python3 - "$2" "$3" <<-'LARGE'
		import socket, struct, sys
		six = ":" in sys.argv[1]
		family = socket.AF_INET6 if six else socket.AF_INET
		body = bytes(range(250)) * 20
		if sys.argv[2] == "udp":
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    message, port, skip = body, 7007, 0
		else:
		    s = socket.socket(family, socket.SOCK_DGRAM,
		                      socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
		    message, port, skip = struct.pack("!BBHHH", 128 if six else 8, 0, 0, 0, 1) + body, 0, 8
		s.settimeout(30)
		s.sendto(message, (sys.argv[1], port))
		sys.exit(s.recv(10000)[skip:] != body)
	LARGE
}
cat >"$work/echo.py" <<'ECHO'
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 7007))
while True:
    s.sendto(*s.recvfrom(10000))
ECHO
echoes() {
	ns "$1" ss -Hlun 'sport = :7007' | grep -q 7007
}
for name in server wall; do
	ns_bg "$name" python3 "$work/echo.py"
	wait_until echoes "$name"
done

# defragment on|off: reloads, and installs the hook rules.
defragment() {
	conf "$1" >"$work/finwall.conf"
	"$bin/finwall" --socket "$work/finwall.sock" reload 2>>"$work/hook.log" || fail "reload"
	hook up
}
conf on >"$work/finwall.conf"
daemon_start wall "$work/finwall.conf"
for server in 10.3.0.2 fd03::2; do # the neighbours get to know each other before anything is counted
	ns_ping client "$server" || fail "no echo from $server"
done

# Off: each fragment is queued by itself, so legal traffic is INVALID.
defragment off
large client 10.3.0.2 udp || fail "accepted fragments are lost"
[ "$(reason ip-fragment)" -gt 0 ] || fail "fragments are reassembled with defragment off"

# On: one packet, forwarded, received and sent.
defragment on
tracked=0
for server in 10.3.0.2 fd03::2 10.2.0.254 fd02::fe; do
	invalid=$(reason invalid)
	udp=$(($(reason udp-open) + $(reason udp-tracked)))
	icmp=$(($(reason icmp-open) + $(reason icmp-tracked)))
	large client "$server" udp || fail "a fragmented datagram to $server is lost"
	large client "$server" icmp || fail "a fragmented echo to $server is lost"
	[ $(($(reason udp-open) + $(reason udp-tracked) - udp)) = 2 ] ||
		fail "$server: a datagram and its answer are not two packets"
	[ $(($(reason icmp-open) + $(reason icmp-tracked) - icmp)) = 2 ] ||
		fail "$server: an echo and its answer are not two packets"
	[ "$(reason invalid)" = "$invalid" ] || fail "$server: fragments were INVALID"
done
tracked=$(ns wall cat /proc/sys/net/netfilter/nf_conntrack_count)
[ "$tracked" = 0 ] || fail "the kernel's tracker is on: $tracked entries"

# After hook down the chains of the kernel get fragments again.
hook down
for tables in iptables ip6tables; do
	ns wall "$multi" "$tables" -w -A FORWARD -o east
done
large client 10.3.0.2 udp || fail "without rules"
large client fd03::2 udp || fail "without rules"
for tables in iptables ip6tables; do
	packets=$(ns wall "$multi" "$tables" -w -nvxL FORWARD | awk '$1 ~ /^[0-9]+$/ { print $1 }')
	[ "$packets" -ge 4 ] || fail "fragments are reassembled after hook down ($tables: $packets)"
done

# The same for the rules of nft, if the kernel supports them.
if command -v nft >/dev/null; then
	ns wall "$multi" iptables -w -Z FORWARD
	ns wall "$multi" ip6tables -w -Z FORWARD
	ns wall nft -f "$(dirname "$0")/../unit/golden/hook-nft-defrag" || skip "no tproxy in nft"
	large client 10.3.0.2 udp || fail "with nft"
	large client fd03::2 udp || fail "with nft"
	for tables in iptables ip6tables; do
		packets=$(ns wall "$multi" "$tables" -w -nvxL FORWARD | awk '$1 ~ /^[0-9]+$/ { print $1 }')
		[ "$packets" = 1 ] || fail "nft: $packets fragments instead of one packet ($tables)"
	done
	ns wall nft delete table inet finwall_hook
fi
daemon_end
