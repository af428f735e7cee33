#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# faults.sh CASE: faults in a running daemon, beside a transfer that must go on; faults.py has the
# cases.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables python3 unshare mount
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_pair client server
for to in 10.1.0.2 fd01::2; do wait_until ns_ping client "$to"; done
status=0
python3 "$(dirname "$0")/faults.py" "$ns_tag" "$work" "$bin" "$@" || status=$?
[ "$status" != 77 ] || skip "case $1"
[ "$status" = 0 ] || fail "case $1"
