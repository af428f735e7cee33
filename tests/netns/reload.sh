#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGHUP: a valid configuration is in force at once, an invalid one changes nothing. Traffic and
# connections go on.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables ss
topo_pair client server
conf=$work/finwall.conf

# write_config VERDICT: the verdict of pings.
write_config() {
	cat >"$conf" <<-CONF
		settings {
			queue { num 0; count 1 }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy accept;
				icmp type echo-request $1
			}
		}
	CONF
}

loaded_times() {
	[ "$(grep -c ': loaded, generation' "$work/daemon.log")" = "$1" ]
}

no_ping() {
	! ns_ping client 10.1.0.2
}

write_config accept
daemon_start server "$conf"
ns_queue server INPUT --queue-num 0
ns_queue server OUTPUT --queue-num 0
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client "$peer" bulk 10.1.0.2 7000 4000 >"$work/bulk.log"
bulk_pid=$bg_pid
ns_ping client 10.1.0.2 || fail "ping does not pass"

write_config drop
kill -HUP "$daemon_pid"
wait_until loaded_times 1
wait_until no_ping

echo 'table inet finwall { chain input { nonsense } }' >"$conf"
kill -HUP "$daemon_pid"
wait_until log_has "^$conf:1:[0-9]+: "
wait_until log_has 'the previous configuration stays in force'
no_ping || fail "the broken configuration is in force"
loaded_times 1 || fail "the broken configuration was loaded"

rm "$conf"
kill -HUP "$daemon_pid"
wait_until log_has 'cannot|No such file'
no_ping || fail "the missing configuration is in force"

write_config accept
kill -HUP "$daemon_pid"
wait_until loaded_times 2
wait_until ns_ping client 10.1.0.2

# Many reloads, faster than the workers take the generations over.
i=0
while [ $i -lt 20 ]; do
	kill -HUP "$daemon_pid"
	i=$((i + 1))
done
write_config drop
kill -HUP "$daemon_pid"
wait_until no_ping

# A setting that cannot change at run time is logged.
sed -i 's/num 0; count 1/num 0; count 1; length 1000/' "$conf"
kill -HUP "$daemon_pid"
wait_until log_has 'new value of queue length takes effect at the next start'

wait "$bulk_pid" || fail "the connection did not survive"
daemon_end
