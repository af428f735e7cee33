#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak.sh SECONDS: a mixed load; every packet gets its verdict, and memory stays. See soak.py.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_pair client server
# The connections in TIME_WAIT need more ports than the default range has.
ns client sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
for name in client server; do
	ns $name sysctl -qw net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535 \
		net.ipv4.tcp_syncookies=0
done
ip -n "$ns_tag-client" addr add 10.1.0.3/24 dev eth0 # the scans' source
ip -n "$ns_tag-server" route add 10.128.0.0/9 via 10.1.0.1 # answers to floods
for to in 10.1.0.2 fd01::2; do wait_until ns_ping client "$to"; done
python3 "$(dirname "$0")/soak.py" "$ns_tag" "$work" "$bin" "${1:-30}" || fail "soak"
