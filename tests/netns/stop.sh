#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGTERM under load: every waiting packet gets a verdict, the queue is closed, and traffic goes on,
# as on-absent accept and a queue rule with bypass say. No datagram is lost: each one that matched
# the queue rule reaches UDP.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables ss socat nstat
topo_pair client server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1; on-absent accept; on-overload accept }
}
CONF

daemon_start server "$work/finwall.conf"
ns server iptables -w -A INPUT -p udp -j NFQUEUE --queue-num 0 --queue-bypass
ns_queue server INPUT --queue-num 0 --queue-bypass
ns_queue server OUTPUT --queue-num 0 --queue-bypass
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"

udp_listens() {
	ns server ss -Hlun 'sport = :9' | grep -q ':9'
}
ns_bg client "$peer" bulk 10.1.0.2 7000 2000 >"$work/bulk.log"
bulk_pid=$bg_pid
ns_bg client "$peer" short 10.1.0.2 7000 5000 >"$work/short.log"
short_pid=$bg_pid
ns_bg server socat -u UDP-RECV:9 OPEN:/dev/null
wait_until udp_listens
ns_bg client socat -u -b 200 /dev/zero UDP:10.1.0.2:9
udp_pid=$bg_pid

# passed QUEUED: the queue had that many packets.
passed() {
	[ "$(queue_column server 0 8)" -gt "$1" ]
}
queued_udp() {
	ns server iptables -w -nvxL INPUT | awk '/udp|17/ && /NFQUEUE/ { print $1; exit }'
}
delivered_udp() {
	ns server nstat -az UdpInDatagrams UdpNoPorts UdpInErrors | awk '/^Udp/ { n += $2 } END { print n }'
}
passed_udp() {
	[ "$(queued_udp)" -gt "$1" ]
}

wait_until passed 20000
! gone "$bulk_pid" || fail "the load ended too early"
daemon_end
! queue_exists server 0 || fail "the queue is not closed"
! log_has 'without a verdict at exit' || fail "packets were left without a verdict"

wait_until passed_udp $(($(queued_udp) + 1000))
kill "$udp_pid"
wait "$udp_pid" || true
[ "$(queued_udp)" = "$(delivered_udp)" ] ||
	fail "$(queued_udp) datagrams were queued, $(delivered_udp) came through"
wait "$short_pid" || fail "short connections failed"
wait "$bulk_pid" || fail "the bulk transfer failed"
cat "$work/bulk.log" "$work/short.log"
echo "$(queued_udp) datagrams, none lost"
