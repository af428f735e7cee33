#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Late closes of connections of every origin, with real sockets on a gateway: seen from the start,
# revived, loaded after a stop and after a crash, with and without data in between, picked up,
# imported from the kernel's tracker. Either end closes, by FIN and by RST. late_origins.py has the
# cases.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables iptables-restore ip6tables-restore python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_gateway client router server
for to in 10.3.0.2 fd03::2; do wait_until ns_ping client "$to"; done

# The kernel's rules, so that its tracker has the connections to import. Entries end soon.
tracked=yes
for restore in iptables-restore ip6tables-restore; do
	ns router $restore <<-'RULES' || tracked=no
		*filter
		:FORWARD ACCEPT
		-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		COMMIT
	RULES
done
[ $tracked = no ] || ns router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=4

python3 "$(dirname "$0")/late_origins.py" "$ns_tag" "$work" "$bin" "$tracked" ||
	fail "the table differs"
