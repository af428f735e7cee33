#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel fast path: bulk traffic does not visit the queue, and of a short connection the SYN
# alone does; what is deleted is cut off; finwall hook down removes every pin.
#
#	fast_path.sh forward|local 4|6
#
# The daemon is on the router between two hosts, or on the server.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

where=$1
family=$2

netns_begin iptables ip6tables ss
cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 3; count 1 }
	hook { fast-path on }
	connections { max 64K; remember-max 64K }
	metrics { file $work/finwall.prom; interval 1s }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established accept
		ct state invalid log prefix "INVALID: " drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established accept
		ct state invalid log prefix "INVALID: " drop
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ct state established accept
		ct state invalid log prefix "INVALID: " drop
	}
}
CONF

if [ "$where" = forward ]; then
	topo_gateway client wall server
	wall=wall
	[ "$family" = 4 ] && server=10.3.0.2 || server=fd03::2
else
	topo_pair client server
	wall=server
	[ "$family" = 4 ] && server=10.1.0.2 || server=fd01::2
fi

fast_path_begin
daemon_start "$wall" "$work/finwall.conf"
fast_path_up "$wall"

ns_bg server "$peer" serve "$server" 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns client "$peer" bulk "$server" 7000 200 >"$work/bulk.log" || fail "bulk transfer"
before=$(queue_column "$wall" 3 8)
ns client "$peer" short "$server" 7000 1000 >"$work/short.log" || fail "short connections"
queued=$(queue_column "$wall" 3 8)
passed=$(fast_path_packets)
# Of a short connection the SYN alone.
[ $((queued - before)) -lt 1200 ] ||
	fail "$((queued - before)) packets of 1000 short connections were queued"
# 200 MB are some thousand segments of up to 64 KiB; short connections are six packets each.
[ "$passed" -gt 3000 ] || fail "only $passed packets took the fast path"
# Metrics have them, and the states of TCP connections add up.
metrics_are_right() {
	awk -v passed="$passed" '/^finwall_fast_path_packets_total/ { packets += $2 }
		/^finwall_tcp_connections/ { states += $2 }
		/^finwall_connections.protocol="tcp"/ { tcp = $2 }
		END { exit !(packets >= passed && states == tcp && tcp > 0) }' "$work/finwall.prom"
}
wait_until metrics_are_right
wait_until queue_is_clean "$wall" 3
! log_has INVALID || fail "legal packets were INVALID"
before=$queued
ns client "$peer" bulk "$server" 7000 200 >>"$work/bulk.log" || fail "bulk transfer"
queued=$(($(queue_column "$wall" 3 8) - before))
[ "$queued" -lt 1000 ] || fail "$queued packets of a bulk transfer were queued"
! log_has INVALID || fail "legal packets were INVALID"

# All entries close: the ends were seen.
wait_until fast_path_is_unused

ns "$wall" "$bin/finwall" --socket "$work/finwall.sock" hook down >>"$work/hook.log" ||
	fail "hook down"
[ ! -e "$work/fast-path/control" ] && [ ! -e "$work/fast-path/forward" ] || fail "pins are left"
wait_until log_has 'the kernel fast path is no longer used'
daemon_end
! log_has 'queue [0-9]+:' || fail "the daemon logged a problem of a queue"
echo "passed $passed, queued of the second bulk $queued"
cat "$work/bulk.log"
