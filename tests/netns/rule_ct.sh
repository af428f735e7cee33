#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What rules make of connections, with real traffic: marks and timeouts that survive a restart,
# packets that are not tracked, and connections of which only one direction passes the router,
# because the server answers by another way.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_gateway client router server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1; on-absent drop }
	tcp { loose off }
	state { file /nonexistent/folder/state; interval 1s }
}
table inet finwall {
	ct timeout held {
		protocol tcp
		policy = { established : 1h }
	}
	chain raw {
		type filter hook prerouting priority raw; policy accept;
		udp dport 7005 notrack
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		tcp dport 7002 ct state established ct bytes > 5000 drop
		ct state established accept
		ct state untracked udp dport 7005 accept
		ct original ip daddr 10.3.0.2 tcp dport 7002 ct state new accept
		tcp dport 7000 ct state new ct mark set 0x7000 ct timeout set "held" ct tracking set one-way accept
		tcp dport 7001 ct state new accept
		tcp dport 7003 ct state new ct mark set 0x7003 ct timeout set "held" accept
	}
}
CONF

# Sends and gets back the number of bytes in each line of the input; prints "ok" each time.
cat >"$work/client.py" <<'PY'
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3]))
print("connected", flush=True)
for line in sys.stdin:
	size = int(line)
	s.sendall(b"x" * size)
	while size > 0:
		got = s.recv(65536)
		if not got:
			sys.exit("closed")
		size -= len(got)
	print("ok", flush=True)
s.close()
PY

# start: starts the next daemon, with a new log.
start() {
	: >"$work/daemon.log"
	daemon_start router "$work/finwall.conf" -S "$work/var/state"
}
listed() {
	ns router "$bin/finwall" --socket "$work/finwall.sock" list "$@" >"$work/out"
}
# list_has PATTERN [OPTION...]: a line of the list matches.
list_has() {
	pattern=$1
	shift
	listed "$@" && grep -Eq -- "$pattern" "$work/out"
}
# exchange ADDRESS PORT BYTES...: true if all of it comes back.
exchange() {
	address=$1
	port=$2
	shift 2
	printf '%s\n' "$@" | ns client timeout 20 python3 "$work/client.py" "$address" "$port" 5 \
		>"$work/exchange" 2>&1 && [ "$(grep -c ok "$work/exchange")" = $# ]
}
oks() {
	[ "$(grep -c ok "$work/client.log")" = "$1" ]
}

start
ns_queue router FORWARD --queue-num 0
ns_bg server python3 "$(dirname "$0")/../support/serve_tcp.py" \
	10.3.0.2 7000 7001 7002 7003 >"$work/server.log" 2>&1
wait_until grep -q ready "$work/server.log"

# A connection may carry so much.
exchange 10.3.0.2 7002 100 || fail "the first bytes: $(cat "$work/exchange")"
! exchange 10.3.0.2 7002 100 100000 || fail "more bytes than the rule allows"

# A mark and timeouts, over a restart.
mkfifo "$work/commands"
exec 9<>"$work/commands"
ns_bg client sh -c "python3 '$work/client.py' 10.3.0.2 7003 60 <'$work/commands' >'$work/client.log' 2>&1"
echo 10 >&9
wait_until oks 1
list_has ':7003 .* ESTABLISHED .* mark=0x7003' || fail "no mark: $(cat "$work/out")"
list_has ':7003' --mark 0x7003 || fail "the filter hides it: $(cat "$work/out")"
list_has ':7003' --mark 0x3/0xf || fail "the mask hides it: $(cat "$work/out")"
! list_has ':7003' --mark 0x7000 || fail "the filter shows another mark: $(cat "$work/out")"
list_has 'mark=28675 ' --output conntrack || fail "conntrack: $(cat "$work/out")"
list_has '"mark": ?28675' --output json || fail "JSON: $(cat "$work/out")"
left=$(listed --mark 0x7003 && sed -n 's/.* \([0-9]*\)s .*/\1/p' "$work/out")
[ "$left" -gt 3500 ] && [ "$left" -le 3600 ] || fail "expires in $left s: $(cat "$work/out")"
daemon_end
start
list_has ':7003 .* mark=0x7003' || fail "no mark after a restart: $(cat "$work/out")"
echo 10 >&9
wait_until oks 2
left=$(listed --mark 0x7003 && sed -n 's/.* \([0-9]*\)s .*/\1/p' "$work/out")
[ "$left" -gt 3500 ] && [ "$left" -le 3600 ] || fail "expires in $left s after a restart"

# What is not tracked passes and has no entry.
ns client python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM)
for i in range(5): s.sendto(b"x", ("10.3.0.2", 7005))'
untracked() {
	ns router "$bin/finwall" --socket "$work/finwall.sock" stats --output json |
		python3 -c 'import json, sys; sys.exit("notrack" not in sys.stdin.read())'
}
wait_until untracked
! list_has ':7005' || fail "an entry of what is not tracked: $(cat "$work/out")"

# From here on the server answers by another way.
ns_link server direct 10.4.0.2/24 - client direct 10.4.0.1/24 -
for n in client server; do
	ns $n sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
done
ns server ip route replace 10.2.0.1/32 via 10.4.0.1 dev direct src 10.3.0.2
exchange 10.3.0.2 7000 10 1000000 5 || fail "one direction: $(cat "$work/exchange")"
list_has ':7000 .* FIN_WAIT .* unreplied .* mark=0x7000' || fail "one direction: $(cat "$work/out")"
! exchange 10.3.0.2 7001 10 || fail "without the rule one direction passes"
daemon_end
netns_end
