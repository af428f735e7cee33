#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Metrics of a running daemon: over HTTP on loopback and a UNIX socket, and as a file. What is
# counted, both formats, invalid and slow clients, changes by a reload. With promtool, its check.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
here=$(dirname "$0")
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock

# config METRICS: writes the configuration.
config() {
	cat >"$conf" <<-END
		settings {
			queue { num 7; count 1; latency on }
			connections { max 5000 }
			udp { timeout unreplied 1h }
			$1
		}
		table inet finwall {
			set block {
				type ipv4_addr
				elements = { 192.0.2.1, 192.0.2.2 }
			}
			chain input {
				type filter hook input priority filter; policy accept;
				udp dport 9 counter drop comment "drop \\o/ discard"
				ip saddr 10.1.0.1 counter
			}
			chain output {
				type filter hook output priority filter; policy accept;
			}
		}
	END
}

# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"

get() { # get [ARG...]: the document is $work/doc, its headers $work/doc.head
	ns server python3 "$here/metrics.py" get "$work/doc" "$@" >"$work/doc.head"
}
value() { # value SAMPLE NUMBER: the sample has this value
	grep -qxF "$1 $2" "$work/doc" || fail "not $2: $(grep -F "$1" "$work/doc")"
}

config "metrics { port 9477; socket $work/metrics.sock; file $work/finwall.prom; interval 1s }"
daemon_start server "$conf"
ends 0 hook up -c "$conf"

ns client python3 - <<'PY'
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(3):
    u.sendto(b"x" * 10, ("10.1.0.2", 9))
u.sendto(b"x", ("10.1.0.2", 19))
PY
has_packets() {
	get tcp:127.0.0.1:9477 && grep -q '^finwall_connections{protocol="udp"} 1$' "$work/doc"
}
wait_until has_packets
value 'finwall_packets_total{hook="input",state="new",verdict="drop"}' 3
value 'finwall_packet_bytes_total{hook="input",state="new",verdict="drop"}' 114
value 'finwall_packets_by_reason_total{protocol="udp",state="new",reason="udp-open"}' 4
value 'finwall_rule_packets_total{family="inet",table="finwall",chain="input",position="1",rule="drop \\o/ discard"}' 3
value 'finwall_rule_bytes_total{family="inet",table="finwall",chain="input",position="1",rule="drop \\o/ discard"}' 114
value 'finwall_rule_packets_total{family="inet",table="finwall",chain="input",position="2",rule="ip saddr 10.1.0.1 counter"}' 1
value 'finwall_set_elements{family="inet",table="finwall",set="block"}' 2
value 'finwall_connections_max' 5000
value 'finwall_tcp_connections{state="ESTABLISHED"}' 0
value 'finwall_fast_path_on' 0
value 'finwall_fast_path_packets_total{hook="input"}' 0
value 'finwall_queue_events_total{queue="7",event="malformed"}' 0
value 'finwall_queue_lost_packets_total{queue="7",cause="queue"}' 0
value 'finwall_hook_rules_fault{fault="none"}' 1
value 'finwall_packet_latency_seconds_count{queue="7",until="verdict"}' \
	"$(sed -n 's/^finwall_queue_events_total{queue="7",event="verdicts"} //p' "$work/doc")"
grep -q '^Content-Type: text/plain; version=0.0.4' "$work/doc.head" || fail "another type"
cp "$work/doc" "$work/plain"

# The other format, the other sockets, the file.
get tcp:127.0.0.1:9477 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
grep -q '^Content-Type: application/openmetrics-text; version=1.0.0' "$work/doc.head" ||
	fail "no OpenMetrics"
[ "$(tail -n 1 "$work/doc")" = '# EOF' ] || fail "no # EOF"
grep -qx '# TYPE finwall_packets counter' "$work/doc" || fail "the family of a counter has a suffix"
ns server python3 "$here/metrics.py" check "$work/doc" || fail "invalid OpenMetrics"
get tcp:::1:9477
get "unix:$work/metrics.sock"
[ "$(stat -c %a "$work/metrics.sock")" = 660 ] || fail "other permissions than 660"
file_has() {
	grep -qs "$1" "$work/finwall.prom"
}
wait_until file_has '^finwall_connections{protocol="udp"} 1$'
[ "$(stat -c %a "$work/finwall.prom")" = 644 ] || fail "other permissions than 644"
if command -v promtool >/dev/null; then
	promtool check metrics <"$work/plain" >"$work/promtool.log" 2>&1 ||
		fail "promtool: $(cat "$work/promtool.log")"
	[ ! -s "$work/promtool.log" ] || fail "promtool: $(cat "$work/promtool.log")"
fi

# Clients that do harm: the server answers others all the same.
ns server python3 "$here/metrics.py" abuse 127.0.0.1 9477 || fail "abuse"
get tcp:127.0.0.1:9477
grep -q '^finwall_metrics_refused_clients_total [1-9]' "$work/doc" || fail "nobody was refused"

# A reload moves it, and turns it off.
config "metrics { port 9478 }"
ends 0 reload
get tcp:127.0.0.1:9478
! get tcp:127.0.0.1:9477 2>/dev/null || fail "the old port is still open"
[ ! -e "$work/metrics.sock" ] || fail "the socket is still there"
# A port in use is logged, and opened when it becomes free.
ns_bg server python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9479)); print("ready", flush=True); time.sleep(600)' >"$work/taken.log"
taken=$bg_pid
wait_until grep -q ready "$work/taken.log"
config "metrics { port 9479 }"
ends 0 reload
wait_until log_has 'metrics: cannot listen on port 9479: Address already in use'
kill -KILL "$taken"
wait_until log_has 'metrics: listening now'
get tcp:127.0.0.1:9479
config ""
ends 0 reload
! get tcp:127.0.0.1:9479 2>/dev/null || fail "the port is still open"
daemon_end
