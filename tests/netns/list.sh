#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall list: columns by name, and as many as fit on a terminal; filters by idle time and by
# the rule that let a connection in, also of delete and flush; JSON in many slices; the filter by a
# packet's mark.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
here=$(dirname "$0")
topo_pair client server
sock=$work/finwall.sock
conf() { # conf ACCOUNTING
	cat >"$work/finwall.conf" <<-END
		settings {
			queue { num 7; count 1 }
			connections { max 5000; accounting $1 }
			udp { timeout unreplied 1h }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy accept;
				udp dport 9 accept
				udp dport 10-4000 accept
				udp dport 5000 meta mark set 0x21 log prefix "MARKED: " accept
			}
			chain output {
				type filter hook output priority filter; policy accept;
			}
		}
	END
}
conf on
daemon_start server "$work/finwall.conf"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
ends 0 hook up -c "$work/finwall.conf"
lines_are() { # lines_are NUMBER: of the output
	[ "$(wc -l <"$work/out")" = "$1" ] || fail "$(wc -l <"$work/out") lines, not $1: $(head -n 20 "$work/out")"
}
has_count() { # has_count NUMBER: connections
	ends 0 list --count && [ "$(awk '{ sum += $3 } END { print sum }' "$work/out")" = "$1" ]
}
sends() { # sends PORT...: a datagram of 10 bytes to each, from port 4000
	ns client python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 4000))
for port in sys.argv[1:]:
    s.sendto(b"x" * 10, ("10.1.0.2", int(port)))' "$@"
}
sends 9 10 4500
wait_until has_count 3

# Columns.
ends 0 list --columns to,bytes,packets,rule,proto,status,interface,hook --sort address
lines_are 4
out_has '^TO +BYTES +PACKETS +RULE +PROTO +STATUS +IFACE +HOOK$'
out_has '^10\.1\.0\.2:9 +38 +1 +finwall\.conf:9 +udp +unreplied +eth0 +input$'
out_has '^10\.1\.0\.2:10 +38 +1 +finwall\.conf:10 +udp +unreplied +eth0 +input$'
out_has '^10\.1\.0\.2:4500 +38 +1 +policy input +udp +unreplied +eth0 +input$'
ends 0 list --columns from,cause
out_has '^FROM +CAUSE$'
out_has '^10\.1\.0\.1:4000$'
ends 2 list --columns to,colour
err_has '^finwall list: unknown column "colour": expected proto, from,'
ends 2 list --columns to,
ends 2 list --columns to --output json
ends 2 list --columns to --count
on() { # on COLUMNS ARG...: a list on a terminal; no line is wider
	columns=$1
	shift
	ns server python3 "$here/../support/terminal.py" "$columns" "$bin/finwall" --socket "$sock" \
		list "$@" >"$work/out" || fail "list on $columns columns"
	awk -v columns="$columns" 'length($0) > columns { exit 1 }' "$work/out" ||
		fail "wider than $columns: $(cat "$work/out")"
}
on 60 --sort address
out_has '^PROTO +FROM +TO +STATE +EXPIRES$'
on 90 --sort address
out_has '^PROTO +FROM +TO +STATE +EXPIRES +BYTES +PACKETS'
out_has '^udp +10\.1\.0\.1:4000 +10\.1\.0\.2:9 +- +(1h0m|59m[0-9]+s) +38 +1 .*unreplied in eth0$'
on 150 --sort address
out_has '^PROTO +FROM +TO +STATE +EXPIRES +BYTES +PACKETS +AGE +IDLE +RULE$'
out_has ' 38 +1 +[0-9]+s +[0-9]+s +finwall\.conf:9 +unreplied in eth0$'

# By rule.
ends 0 list --rule 9
lines_are 2
out_has '10\.1\.0\.2:9 '
ends 0 list --rule finwall.conf:10 --output conntrack
lines_are 1
out_has 'dport=10 '
ends 0 list --rule "$work/finwall.conf:8" --output json
python3 -c 'import json, sys
c, = json.load(open(sys.argv[1]))
assert c["policy_chain"]["chain"] == "input" and c["original"]["destination_port"] == 4500, c' "$work/out"
ends 0 list --rule other.conf:9
lines_are 0
ends 2 list --rule finwall.conf
ends 2 list --expired --rule 9
err_has 'are for live connections'
ends 0 delete --rule 10 --dry-run
out_has '^1 connections would be deleted'
ends 0 delete --rule 10
out_has '^1 connections deleted'
wait_until has_count 2

# By idle time: one connection is kept busy.
is_idle() {
	sends 9
	ends 0 list --idle-over 3s && grep -q '10\.1\.0\.2:4500 ' "$work/out"
}
wait_until is_idle
! grep -q '10\.1\.0\.2:9 ' "$work/out" || fail "a busy connection: $(cat "$work/out")"
ends 0 list --idle-over 1h
lines_are 0
ends 2 list --idle-over soon
sends 9
ends 0 flush --idle-over 3s
wait_until has_count 1
ends 0 list
out_has '10\.1\.0\.2:9 '
ends 2 events --idle-over 1s
ends 2 trace --rule 9

# JSON in many slices: each connection once, and valid.
ns client python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 4001))
for port in range(10, 3010):
    s.sendto(b"x", ("10.1.0.2", port))'
wait_until has_count 3001
ends 0 list --output json
python3 - "$work/out" <<'PY'
import json, sys
text = open(sys.argv[1]).read()
connections = json.loads(text)
ports = sorted(c["original"]["destination_port"] for c in connections)
assert ports == list(range(9, 3010)), len(ports)
assert len(text.splitlines()) == 3003, len(text.splitlines())
for c in connections:
    port = c["original"]["destination_port"]
    assert c["rule"]["line"] == (9 if port == 9 else 10), c
    assert c["rule"]["text"].startswith("udp dport"), c
PY
ends 0 list --output json --sort packets --limit 2
python3 -c 'import json, sys
first, second = json.load(open(sys.argv[1]))
assert first["original"]["destination_port"] == 9 and first["original"]["packets"] > 1' "$work/out"
err_has '2999 more'
ends 0 list --output json --proto tcp
[ "$(cat "$work/out")" = '[]' ] || fail "no empty array: $(cat "$work/out")"
ends 0 get udp 10.1.0.1:4000 10.1.0.2:9 --output json
python3 -c 'import json, sys
c, = json.load(open(sys.argv[1])); assert c["rule"]["line"] == 9, c' "$work/out"

# The mark of a packet: set by the client's side of a rule in the kernel.
ns server iptables -t mangle -A PREROUTING -p udp --dport 5001 -j MARK --set-mark 0x31
ns_bg server "$bin/finwall" --socket "$sock" trace --mark 0x30/0xf0 -n 1 >"$work/traced" 2>"$work/trace.err"
trace=$bg_pid
traced() {
	sends 5002 5001
	! kill -0 "$trace" 2>/dev/null
}
wait_until traced
grep -q 'udp dport 5001' "$work/traced" || fail "trace: $(cat "$work/traced")"
! grep -q 'udp dport 5002' "$work/traced" || fail "trace: $(cat "$work/traced")"
ends 2 trace --mark 0x30/
err_has 'expected MARK or MARK/MASK'
daemon_end

# Without counts, a filter by idle time is refused, not ignored.
conf off
daemon_start server "$work/finwall.conf"
ends 1 list --idle-over 1s
err_has 'set "connections accounting on"'
ends 1 delete --idle-over 1s
daemon_end
