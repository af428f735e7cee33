#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Traffic passes: no packet is lost or INVALID, and memory does not grow.
#
#	pass.sh forward|local 4|6 [QUEUES [COPY]]
#
# forward: the daemon is on the router between two hosts; local: on the server, input and output.
# FINWALL_RSS_GROWTH: the KiB by which the daemon may grow (ThreadSanitizer's own memory grows too).
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

where=$1
family=$2
queues=${3:-1}
copy=${4:-192}

netns_begin iptables ip6tables ss
cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 3; count $queues; copy $copy }
	# All tables are in memory before the measurement, so that growth is a leak.
	connections { max 64K; remember-max 64K; prefault on }
	# Closed connections expire soon, so that the second half needs no new memory.
	tcp { timeout time-wait 1s }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state invalid log prefix "INVALID: " drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state invalid log prefix "INVALID: " drop
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ct state invalid log prefix "INVALID: " drop
	}
}
CONF
[ "$queues" = 1 ] && target="--queue-num 3" || target="--queue-balance 3:$((2 + queues))"

if [ "$where" = forward ]; then
	topo_gateway client wall server
	# More pairs of addresses, so that the kernel's hash uses every queue.
	for i in 3 4 5 6 7 8; do
		ns_address server eth0 "10.3.0.$i/24" "fd03::$i/64"
	done
	chains=FORWARD
	servers4="10.3.0.2 10.3.0.3 10.3.0.4 10.3.0.5 10.3.0.6 10.3.0.7 10.3.0.8"
	servers6="fd03::2 fd03::3 fd03::4 fd03::5 fd03::6 fd03::7 fd03::8"
	wall=wall
else
	topo_pair client server
	chains="INPUT OUTPUT"
	servers4=10.1.0.2
	servers6=fd01::2
	wall=server
fi
[ "$family" = 4 ] && servers=$servers4 || servers=$servers6

daemon_start "$wall" "$work/finwall.conf"
wait_until log_has 'prefaulted [0-9]'
for chain in $chains; do
	# shellcheck disable=SC2086 # options, several words
	ns_queue "$wall" "$chain" $target
done

for server in $servers; do
	ns_ping client "$server" || fail "no echo from $server"
	ns_bg server "$peer" serve "$server" 7000 >"$work/serve.log"
	wait_until grep -q ready "$work/serve.log"
	ns client "$peer" short "$server" 7000 1000 >"$work/short.log" || fail "short connections"
done
ns client "$peer" bulk "${servers%% *}" 7000 200 >"$work/bulk.log" || fail "bulk transfer"
rss_before=$(daemon_rss)
for server in $servers; do
	ns client "$peer" short "$server" 7000 1000 >>"$work/short.log" || fail "short connections"
done
ns client "$peer" bulk "${servers%% *}" 7000 200 >"$work/bulk.log" || fail "bulk transfer"
rss_after=$(daemon_rss)

queue=3
while [ "$queue" -lt $((3 + queues)) ]; do
	wait_until queue_is_clean "$wall" "$queue"
	[ "$(queue_column "$wall" "$queue" 8)" -gt 0 ] || fail "queue $queue was never used"
	queue=$((queue + 1))
done
[ $((rss_after - rss_before)) -le "${FINWALL_RSS_GROWTH:-4096}" ] ||
	fail "memory grew from $rss_before to $rss_after KiB"
! log_has INVALID || fail "legal packets were INVALID"
daemon_end
! log_has 'queue [0-9]+:' || fail "the daemon logged a problem of a queue"
cat "$work/bulk.log"
