#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGTERM under load: every packet that waits is answered, the queue is given up, traffic goes on
# where the configuration says so (on-absent accept, and a queue rule that can be bypassed).
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables ss
ns_add client
ns_add server
ns_link client eth0 10.1.0.1/24 fd01::1/64 server eth0 10.1.0.2/24 fd01::2/64
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1; on-absent accept }
}
CONF

daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-num 0 --queue-bypass
ns_queue server OUTPUT --queue-num 0 --queue-bypass
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"

ns_bg client "$peer" bulk 10.1.0.2 7000 4000 >"$work/bulk.log"
bulk_pid=$bg_pid
ns_bg client "$peer" short 10.1.0.2 7000 20000 >"$work/short.log"
short_pid=$bg_pid
busy() {
	[ "$(queue_column server 0 8)" -gt 2000 ]
}
wait_until busy
! gone "$bulk_pid" || fail "the load ended too early"
daemon_end
! queue_exists server 0 || fail "the queue is still there"
! log_has 'had no verdict' || fail "packets were left without a verdict"
! gone "$short_pid" || fail "the load ended before the daemon"
wait "$short_pid" || fail "short connections failed"
wait "$bulk_pid" || fail "the bulk transfer failed"
cat "$work/bulk.log" "$work/short.log"
