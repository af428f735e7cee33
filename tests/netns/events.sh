#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall events: late closes and logged packets, as text and as JSON. A slow reader delays nobody.
# events.py speaks to the daemon directly.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	tcp { timeout established 2s }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		udp dport 9 log prefix "NINE: " accept
		ct state established,related,untracked accept
		ct state new tcp dport 7001 tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto { icmp, ipv6-icmp } accept
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ct state invalid drop
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null

for wrong in nonsense 'late dance' '--count 0' '--count x' '--output xml' '--dance'; do
	code=0
	# shellcheck disable=SC2086 # several words
	"$bin/finwall" --socket "$work/finwall.sock" events $wrong 2>/dev/null || code=$?
	[ "$code" = 2 ] || fail "events $wrong: exit status $code"
done
code=0
"$bin/finwall" --socket "$work/none.sock" events 2>/dev/null || code=$?
[ "$code" = 3 ] || fail "without a daemon: exit status $code"

python3 "$(dirname "$0")/events.py" "$ns_tag" "$work" "$bin" "$daemon_pid" || fail "events"

# A reader reports that the daemon ended.
"$bin/finwall" --socket "$work/finwall.sock" events >/dev/null 2>"$work/reader.err" &
reader=$!
bg_pids="$bg_pids $reader"
has_reader() {
	"$bin/finwall" --socket "$work/finwall.sock" stats | grep -q '^event readers 1,'
}
wait_until has_reader
daemon_end
code=0
wait "$reader" || code=$?
[ "$code" = 3 ] || fail "the daemon ends: exit status $code"
grep -q 'closed the connection' "$work/reader.err" ||
	fail "the daemon ends: $(cat "$work/reader.err")"
