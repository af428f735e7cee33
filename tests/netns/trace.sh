#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall trace: for each reason for which a packet is INVALID, one packet that has it, and the same
# lines from finwall replay --trace of a capture of these packets. On a gateway; both ends are made
# by trace.py, frame by frame. Headers that the kernel drops before any filter, and deletions by
# command, are on one side only.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 tcpdump
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"
"$bin/finwall" replay --help | grep -q sweep || skip "built without replay"
topo_gateway client router server
# fragments are forwarded as they are; packets of hosts that do not exist are not looked up
ns router sysctl -qw net.ipv4.conf.all.rp_filter=0
ns_queue router FORWARD --queue-num 6

# begin NAME: the daemon and a capture, for one configuration.
begin() {
	python3 "$(dirname "$0")/trace.py" config "$1" >"$work/$1.conf"
	: >"$work/daemon.log"
	daemon_start router "$work/$1.conf"
	: >"$work/tcpdump.log"
	ns_bg router tcpdump -i any -Q in -U --immediate-mode -s 148 -Z root -w "$work/$1.pcap" \
		'host 10.2.0.50 or host fd02::50' 2>"$work/tcpdump.log"
	capture=$bg_pid
	wait_until grep -q '^tcpdump: listening\|, link-type' "$work/tcpdump.log"
}

for conf in closed verify loose; do
	begin "$conf"
	python3 "$(dirname "$0")/trace.py" run "$conf" "$ns_tag" "$work" "$bin" "$capture" ||
		fail "traces, $conf"
	daemon_end
done
python3 "$(dirname "$0")/trace.py" check "$work" "$bin" || fail "reasons"
