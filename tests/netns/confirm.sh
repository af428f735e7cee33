#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reload --confirm: without finwall confirm the configuration before comes back, also when the client
# is gone. stats --zero, finwall wait, finwalld --wait-ready.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

config() { # config POLICY
	cat >"$conf" <<-END
		settings {
			queue { num 7; count 1 }
			connections { max 5000 }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy accept;
				meta l4proto icmp counter $1
			}
			chain output {
				type filter hook output priority filter; policy accept;
			}
		}
	END
}
pings() {
	ns client ping -c 1 -W 1 10.1.0.2 >/dev/null 2>&1
}
no_ping() {
	! pings
}
generation_is() {
	finwall stats --output json
	grep -q "\"generation\": $1," "$work/out"
}

# Waiting for a daemon that is not there, and for one that comes.
ends 3 wait --timeout 1s
err_has 'no daemon is running'
ends 2 wait --timeout soon
ns_bg server "$bin/finwall" --socket "$sock" wait --hook --timeout 60s
waiting=$bg_pid

# It starts in the background. Its standard output is closed, or the substitution would wait.
config nonsense
code=0
ns server "$bin/finwalld" --wait-ready -c "$conf" -s "$sock" -S none 2>"$work/bad.err" || code=$?
[ "$code" = 1 ] || fail "--wait-ready with a bad configuration: $code"
config accept
ns server "$bin/finwalld" --wait-ready -c "$conf" -s "$sock" -S none 2>"$work/daemon.log" ||
	fail "--wait-ready: $?"
wait_until log_has '^finwalld: ready'
daemon_pid=$(ns server ss -Hlxp "src = $sock" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
daemon_pid=${daemon_pid:-$(pgrep -f "finwalld.*$sock")}
[ -n "$daemon_pid" ] || fail "no process"
bg_pids="$bg_pids $daemon_pid"
ends 0 wait
ends 3 wait --hook --timeout 0s
err_has 'hook rules are not installed'
ends 0 hook up -c "$conf"
wait "$waiting" || fail "wait --hook did not end"
wait_until pings

# Not confirmed: the configuration before comes back, although the client has ended.
config drop
ends 0 reload --confirm 6s
out_has '^in force for 6 s: finwall confirm keeps it$'
generation_is 2 || fail "not generation 2"
grep -q '"confirm_ms": [1-9]' "$work/out" || fail "stats does not show the wait"
ends 1 reload
err_has 'waits for its confirmation'
no_ping || fail "the new configuration is not in force"
wait_until log_has 'generation 2 was not confirmed: generation 1 is in force again'
wait_until pings
generation_is 1 || fail "not generation 1"
ends 1 confirm
err_has 'no reload waits'

# Confirmed: it stays. A second --confirm restarts the time; the confirmed one is kept.
ends 0 reload --confirm 1m
config accept
ends 0 reload --confirm 90s
config drop
ends 0 reload --confirm 5s
ends 0 confirm
no_ping || fail "generation 5 is not in force"
wait_until log_has 'generation 5 confirmed'
sleep 5
no_ping || fail "the confirmed configuration did not stay"
config accept
ends 0 reload --confirm 1m
config nonsense
ends 1 reload --confirm 1m
pings || fail "a refused reload changed something"
config drop
ends 0 reload --confirm 1s
no_ping
wait_until log_has 'generation 7 was not confirmed: generation 5 is in force again'
no_ping || fail "not the confirmed one came back"
ends 2 reload --confirm 0s
ends 2 reload --confirm 2d
ends 2 confirm now

# Counters from 0, those of rules too; the connection table stays.
dropped() {
	finwall stats
	awk '/^input +new/ { print $4 }' "$work/out"
}
ends 0 show ruleset --counters
out_has 'icmp counter packets [1-9]'
[ "$(dropped)" -gt 0 ] || fail "nothing was dropped"
ends 0 stats --zero
ends 0 stats
out_has '^counters since [0-9]+ s ago$'
[ "$(dropped)" = '' ] || [ "$(dropped)" = 0 ] || fail "not zeroed: $(cat "$work/out")"
ends 0 show ruleset --counters
out_has 'icmp counter packets 0 bytes 0'
no_ping
no_ping
[ "$(dropped)" = 2 ] || fail "not 2: $(cat "$work/out")"
ends 0 show ruleset --counters
out_has 'icmp counter packets 2 bytes 168'
ends 2 stats --zero --watch

kill -TERM "$daemon_pid"
wait_until gone "$daemon_pid"
