#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ct count, of a port and of each source: connections over the limit are refused, a closed one is no
# longer counted, and a reload keeps the count. Two workers share it.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables ss
topo_pair client server
ip -n "$ns_tag-client" addr add 10.1.0.9/24 dev eth0
conf=$work/finwall.conf

# write_config TOTAL EACH: limits of all connections and of those of one source.
write_config() {
	cat >"$conf" <<-CONF
		settings {
			queue { num 0; count 2 }
		}
		table inet finwall {
			set each { type ipv4_addr; flags dynamic; }
			set each6 { type ipv6_addr; flags dynamic; }
			map known { type ipv4_addr : verdict; elements = { 10.1.0.1 : jump count, 10.1.0.9 : jump count }; }
			chain count {
				add @each { ip saddr ct count over $2 } reject with tcp reset
			}
			chain input {
				type filter hook input priority filter; policy accept;
				ct state vmap { established : accept, related : accept, invalid : drop }
				tcp dport 7000-7099 ct count over $1 reject with tcp reset
				ip saddr vmap @known
				add @each6 { ip6 saddr ct count over $2 } reject with tcp reset
			}
		}
	CONF
}

loaded_times() {
	[ "$(grep -c ': loaded, generation' "$work/daemon.log")" = "$1" ]
}

# hold NAME PORTS ADDR: connects; the log is $work/NAME.log, the process ID $bg_pid.
hold() {
	: >"$work/$1.log"
	ns_bg client "$peer" connect "$2" "$3" </dev/null >"$work/$1.log"
}

is_held() {
	grep -q ready "$work/$1.log"
}

is_refused() {
	grep -q '^error .*refused' "$work/$1.log"
}


write_config 4 3
daemon_start server "$conf"
ns_queue server INPUT --queue-balance 0:1
ns_queue server OUTPUT --queue-balance 0:1
ns_bg server "$peer" listen 7000-7009 10.1.0.2 fd01::2 </dev/null >"$work/listen.log"
wait_until grep -q ready "$work/listen.log"

hold first 7000-7002 10.1.0.2
first=$bg_pid
wait_until is_held first
hold fourth 7003 10.1.0.2
wait_until is_refused fourth
hold other 7003 fd01::2
wait_until is_held other
hold fifth 7004 fd01::2
wait_until is_refused fifth

# one more of each source and in all: the earlier ones are still counted
write_config 5 4
kill -HUP "$daemon_pid"
wait_until loaded_times 1
hold again 7003 10.1.0.2
wait_until is_held again
hold sixth 7004 fd01::2
wait_until is_refused sixth

# three are closed
kill "$first"
may_open_two() {
	hold two 7004-7005 fd01::2
	wait_until grep -q 'ready\|error' "$work/two.log"
	is_held two
}
wait_until may_open_two
daemon_end
