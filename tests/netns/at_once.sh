#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# at_once.sh [SECONDS]: everything that touches shared data at the same time, with two workers: a
# transfer and short connections, reloads, lists, flushes, changes of sets, events, traces, metrics.
# The transfer goes on, every command answers, and the daemon exits well. For the preset tsan, whose
# reports make it exit otherwise.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

seconds=${1:-5}
peer=$bin/../tests/peer
netns_begin iptables ip6tables ss python3
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 2 }
	connections { max 4096; remember-max 1024; accounting on }
	metrics { port 9477 }
	state { interval 1s }
}
table inet finwall {
	set blocked { type ipv4_addr; flags interval; }
	set seen { type ipv4_addr; size 1000; flags dynamic, timeout; timeout 1s; }
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ip saddr @blocked counter drop
		ct state established,related accept
		tcp dport { 7000, 7100-7115 } ct count over 2000 drop
		tcp dport { 7000, 7100-7115 } add @seen { ip saddr } counter accept
		tcp dport 7100-7115 accept
		meta l4proto ipv6-icmp accept
	}
	chain output { type filter hook output priority filter; policy accept; }
}
CONF
daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-balance 0:1
ns_queue server OUTPUT --queue-balance 0:1
ns_bg server "$peer" serve 10.1.0.2 7000
wait_until ns_listens server 7000
ns_bg server "$peer" answer 7100-7115 10.1.0.2 fd01::2
wait_until ns_listens server 7115
ns_bg client "$peer" steady 10.1.0.2 7000 5 >"$work/steady.json"
steady_pid=$bg_pid
ns_bg client "$peer" storm 200 100000 7100-7115 10.1.0.2 fd01::2 >"$work/storm.json" 2>"$work/storm.log"
storm_pid=$bg_pid
fw() {
	ns server "$bin/finwall" --socket "$work/finwall.sock" "$@"
}

# again NAME COMMAND...: until the end; a command that fails is noted.
until=$(($(date +%s) + seconds))
again() {
	name=$1
	shift
	while [ "$(date +%s)" -lt "$until" ]; do
		"$@" >"$work/$name.out" 2>"$work/$name.err" || {
			echo "$name: $(tail -n 1 "$work/$name.err")" >>"$work/failed"
			return
		}
		echo >>"$work/$name.count"
	done
}
change_set() {
	# A reload may have emptied the set.
	fw set add blocked 192.0.2.0/24 198.51.100.7 && { fw set delete blocked 192.0.2.0/24 || true; } &&
		fw set flush blocked && fw set list seen
}
watch_events() {
	timeout 1 ip netns exec "$ns_tag-server" "$bin/finwall" --socket "$work/finwall.sock" events ||
		[ $? = 124 ]
}
trace() {
	timeout 1 ip netns exec "$ns_tag-server" "$bin/finwall" --socket "$work/finwall.sock" trace ||
		[ $? = 124 ]
}
metrics() {
	ns server python3 -c 'import urllib.request as r
r.urlopen("http://127.0.0.1:9477/metrics", timeout=30).read()'
}
pids=
for command in "reload fw reload" "list fw list" "json fw list --output json" "sets change_set" \
	"flush fw flush --dport 7115" "remember fw flush --state TIME_WAIT --remember" "events watch_events" \
	"trace trace" "metrics metrics" "stats fw stats" "rules fw show ruleset --counters"; do
	# shellcheck disable=SC2086 # words
	again $command &
	pids="$pids $!"
done
for pid in $pids; do
	wait "$pid"
done
[ ! -e "$work/failed" ] || fail "$(cat "$work/failed")"
kill -TERM "$steady_pid" "$storm_pid"
wait "$steady_pid" || fail "the transfer: $(cat "$work/steady.json")"
wait "$storm_pid" || true
for name in reload list json sets flush events metrics stats; do
	echo "$name: $(wc -l <"$work/$name.count")"
done
cat "$work/steady.json" "$work/storm.json"
kill -TERM "$daemon_pid"
status=0
wait "$daemon_pid" || status=$?
if [ "$status" != 0 ]; then
	grep -a -A 60 'WARNING: ThreadSanitizer' "$work/daemon.log" || true
	fail "finwalld exited with $status"
fi
