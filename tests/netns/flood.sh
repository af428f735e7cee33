#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Overload: when the daemon is too slow the kernel drops packets; the daemon logs how many and why,
# and recovers. Once with a short queue, once with a small receive buffer.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables ss socat
topo_pair client server

# is_logged COLUMN REASON: the daemon has logged as many lost packets as the kernel counts now,
# which may include a packet of the kernel's after the flood.
is_logged() {
	log_has "queue 0: $(queue_column server 0 "$1") packets dropped by the kernel because the $2"
}

# flood SETTINGS COLUMN PATTERN: with these queue settings that loss is counted and logged.
flood() {
	echo "settings { queue { num 0; count 1; $1 } }" >"$work/finwall.conf"
	: >"$work/daemon.log"
	daemon_start server "$work/finwall.conf"
	ns_queue server INPUT --queue-num 0
	kill -STOP "$daemon_pid"
	ns client socat -u -b 100 OPEN:/dev/zero,readbytes=500000 UDP-SENDTO:10.1.0.2:9
	lost=$(queue_column server 0 "$2")
	[ "$lost" -gt 1000 ] || fail "$lost packets lost in column $2"
	kill -CONT "$daemon_pid"
	wait_until ns_ping client 10.1.0.2
	wait_until is_logged "$2" "$3"
	[ "$(queue_column server 0 3)" = 0 ] || fail "packets are left in the queue"
	daemon_end
	ns server iptables -w -F INPUT
	ns server ip6tables -w -F INPUT
}

flood 'length 100' 6 'queue was full'
flood 'receive-buffer 64K' 7 'receive buffer was full'
