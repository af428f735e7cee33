#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The system calls of a worker of the real daemon while packets come: receive and send, nothing else.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables
calls=$bin/../tests/calls
topo_pair client server
cat >"$work/finwall.conf" <<CONF
settings { queue { num 3; count 1 } }
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related counter accept
		ct state new log prefix "NEW: " accept
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-num 3
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"

# Connections that come and go, until the counting is done.
talk() {
	while [ ! -e "$work/counted" ]; do
		ns client "$peer" short 10.1.0.2 7000 200 >/dev/null || exit 1
	done
}
talk &
talk_pid=$!
bg_pids="$bg_pids $talk_pid"
status=0
timeout 60 "$calls" "$daemon_pid" "queue 3" 3000 >"$work/calls.txt" || status=$?
touch "$work/counted"
[ "$status" != 77 ] || skip "may not trace"
[ "$status" = 0 ] || fail "counting ended with $status"
wait "$talk_pid" || fail "connections failed under the eyes of the counter"
cat "$work/calls.txt"
others=$(awk '$1 != "recvmmsg" && $1 != "sendto"' "$work/calls.txt")
[ -z "$others" ] || fail "the worker called more than receive and send: $others"
# One receive, one send, in turn; a receive that brought nothing needs no send.
awk '{ n[$1] = $2 } END { exit !(n["sendto"] > 100 && n["sendto"] <= n["recvmmsg"] + 1) }' \
	"$work/calls.txt" || fail "not one send for each receive: $(cat "$work/calls.txt")"
daemon_end
