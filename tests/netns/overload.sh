#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# overload.sh [ROUNDS SECONDS RATE]: floods against a full table on a gateway, beside a transfer and a
# thousand idle connections; overload.py has the measurement. RATE 0: as fast as possible.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin ip ss iptables ip6tables python3 sysctl conntrack
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

fast_path_begin
topo_gateway client router server
ns_add attacker
ns_link attacker eth0 10.8.0.1/24 - router attack 10.8.0.254/24 -
ip -n "$ns_tag-attacker" route add default via 10.8.0.254
ip -n "$ns_tag-router" route add 10.128.0.0/9 via 10.8.0.1
# Nobody answers the flood: its entries stay as they are.
ns server iptables -w -t raw -A PREROUTING -s 10.128.0.0/9 -j DROP
ns router iptables -w -t raw -A PREROUTING -s 10.128.0.0/9 -d 10.8.0.0/24 -j DROP
for to in 10.3.0.2 fd03::2; do wait_until ns_ping client "$to"; done
python3 "$(dirname "$0")/overload.py" "$ns_tag" "$work" "$bin" "${1:-1}" "${2:-2}" "${3:-5000}" ||
	fail "overload"
