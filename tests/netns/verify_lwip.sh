#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The late policy `verify` where one end's TCP is not Linux's but lwIP's: on a host and on a gateway,
# over IPv4 and IPv6, closed by either end or by both at once, half-closed or not, with all state
# lost before. verify_lwip.py has the cases.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"
[ -x "$bin/../tests/lwip_peer" ] || skip "built without lwIP"
[ -c /dev/net/tun ] || skip "needs /dev/net/tun"

ns_add host
ns_add client
ns_add router
ns_link client eth0 10.2.0.1/24 fd02::1/64 router west 10.2.0.254/24 fd02::fe/64
ns_router router
ns_default_route client 10.2.0.254 fd02::fe
ip -n "$ns_tag-client" addr add fd03::100/128 dev eth0 nodad
ip -n "$ns_tag-router" -6 route add fd03::100/128 dev west
ns router sysctl -qw net.ipv6.conf.all.proxy_ndp=1 net.ipv6.conf.default.proxy_ndp=1

for bed in host:host gateway:router; do
	name=${bed%:*}
	python3 "$(dirname "$0")/verify_lwip.py" config >"$work/$name.conf"
	daemon_start "${bed#*:}" "$work/$name.conf" -s "$work/$name.sock"
	eval "daemon_$name=$daemon_pid"
	mv "$work/daemon.log" "$work/$name.log"
	ns "${bed#*:}" "$bin/finwall" --socket "$work/$name.sock" hook up -c "$work/$name.conf" \
		>/dev/null
done

# shellcheck disable=SC2154 # set by eval
python3 "$(dirname "$0")/verify_lwip.py" run "$ns_tag" "$work" "$bin" "$daemon_host" \
	"$daemon_gateway" || fail "the table differs"
for daemon_pid in "$daemon_host" "$daemon_gateway"; do
	daemon_end
done
