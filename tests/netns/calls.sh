#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A worker of the real daemon makes two system calls while packets arrive: receive and send.
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

# Short connections until the calls are counted.
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
[ "$status" != 77 ] || skip "ptrace is not permitted"
[ "$status" = 0 ] || fail "calls: exit status $status"
wait "$talk_pid" || fail "connections failed while the worker was traced"
cat "$work/calls.txt"
others=$(awk '$1 != "recvmmsg" && $1 != "sendto"' "$work/calls.txt")
[ -z "$others" ] || fail "the worker made other calls than receive and send: $others"
# One send for each receive, except for a receive without a packet.
awk '{ n[$1] = $2 } END { exit !(n["sendto"] > 100 && n["sendto"] <= n["recvmmsg"] + 1) }' \
	"$work/calls.txt" || fail "not one send for each receive: $(cat "$work/calls.txt")"
daemon_end
