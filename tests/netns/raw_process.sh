#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The raw packet sender: runs only if a rule or setting sends raw packets, has nothing of the daemon's
# memory, and is replaced when it exits. Its packets have the mark of the settings.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

refused=$(dirname "$0")/../support/refused.py

netns_begin nft iptables ip6tables python3
topo_pair client server

# config RULE: with late and idle chains that send nothing.
config() {
	cat >"$work/finwall.conf" <<-CONF
		settings {
			queue { num 0; count 1 }
			hook { loopback on; mark 0x00300000/0x00f00000 }
			connections { prefault on }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy accept;
				tcp dport 7001 $1
			}
			chain output {
				type filter hook output priority filter; policy accept;
				ct state invalid drop
			}
			chain l { type close hook late; tcp dport 22 lenient; }
			chain i { type close hook idle; tcp dport 22 forget; }
		}
	CONF
}
raw_pid() {
	pgrep -P "$daemon_pid" -x finwall-raw
}
config "drop"
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null ||
	fail "hook up"
wait_until log_has 'prefaulted'
! raw_pid >/dev/null || fail "a raw packet sender that nothing needs"
log_has 'cannot send raw packets' && fail "a warning without a reason"

# The table is in memory when the process starts.
config "reject with tcp reset"
ns server "$bin/finwall" --socket "$work/finwall.sock" reload >/dev/null || fail "reload"
wait_until raw_pid
raw=$(raw_pid)
for to in 10.1.0.2 fd01::2; do
	ns client python3 "$refused" tcp "$to" 7001 ECONNREFUSED || fail "no reset"
done
ns server python3 "$refused" tcp 127.0.0.1 7001 ECONNREFUSED || fail "no reset over loopback"
rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$raw/status")
[ "$(daemon_rss)" -gt 150000 ] || fail "the daemon has $(daemon_rss) KiB only: nothing to copy"
[ "$rss" -lt 60000 ] || fail "the raw packet sender has $rss KiB"
grep -q '^CapEff:[[:space:]]*0000000000000000$' "/proc/$raw/status" || fail "it has capabilities"

kill -KILL "$raw"
wait_sec=15 wait_until log_has 'raw packet sender restarted'
ns client python3 "$refused" tcp 10.1.0.2 7001 ECONNREFUSED || fail "no reset after the restart"
daemon_end
