#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# verify.sh CASE: the late policy `verify` on a gateway; verify.py has the cases.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_gateway client router server
for to in 10.3.0.2 fd03::2; do wait_until ns_ping client "$to"; done
case $1 in
busy | busy_through)
	ns_add attacker
	ns_link attacker eth0 10.8.0.1/24 - router attack 10.8.0.254/24 -
	ip -n "$ns_tag-attacker" route add default via 10.8.0.254
	;;
esac
[ "$1" != loss ] || [ -c /dev/net/tun ] || skip "needs /dev/net/tun"
python3 "$(dirname "$0")/verify.py" "$ns_tag" "$work" "$bin" "$1" || fail "case $1"
