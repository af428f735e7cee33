#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Output on a terminal: at 80 columns no line is wider, and a usual connection takes one line; a wide
# terminal is used; without a terminal nothing is wrapped or cut.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_pair client server
sock=$work/finwall.sock
terminal=$(dirname "$0")/../support/terminal.py

cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 7; count 1; on-absent drop }
	connections { max 5000; remember-max 5000 }
	tcp { timeout established 1s }
	udp { timeout unreplied 1h }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state invalid log prefix "SCREEN INPUT INVALID: " drop
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF
daemon_start server "$work/finwall.conf"
ns server "$bin/finwall" --socket "$sock" hook up -c "$work/finwall.conf" >/dev/null

# on COLUMNS COMMAND...: output of finwall on a terminal; no line is wider
on() {
	columns=$1
	shift
	ns server python3 "$terminal" "$columns" "$bin/finwall" --socket "$sock" "$@" >"$work/out" ||
		[ "$1" = doctor ] || fail "finwall $*: exit status $?: $(cat "$work/out")"
	expand "$work/out" | awk -v columns="$columns" \
		'length($0) > columns { print length($0) ": " $0; wide = 1 } END { exit wide }' >"$work/wide" ||
		fail "finwall $* on $columns columns: $(cat "$work/wide")"
}

# has LINE-PATTERN: a line of the output matches
has() {
	grep -Eq -- "$1" "$work/out" || fail "no line \"$1\": $(cat "$work/out")"
}

# One connection that is idle until it is remembered, a late FIN that is dropped, and datagrams.
ns_bg server python3 -c '
import socket, time
four = socket.create_server(("10.1.0.2", 7000))
six = socket.create_server(("fd01::2", 7000), family=socket.AF_INET6)
print("ready", flush=True)
kept = [four.accept()[0], six.accept()[0]]
time.sleep(600)' >"$work/server.log"
wait_until grep -q ready "$work/server.log"
ns_bg client python3 -c '
import socket, time
kept = [socket.create_connection((a, 7000)) for a in ("10.1.0.2", "fd01::2")]
for s in kept:
	s.send(b"x")
for a, f in (("10.1.0.2", socket.AF_INET), ("fd01::2", socket.AF_INET6)):
	s = socket.socket(f, socket.SOCK_DGRAM)
	s.sendto(b"x", (a, 9))
print("ready", flush=True)
time.sleep(600)' >"$work/client.log"
wait_until grep -q ready "$work/client.log"
ns_ping client 10.1.0.2 || true

remembered() {
	[ "$(ns server "$bin/finwall" --socket "$sock" list --expired | grep -c '^tcp')" = 2 ]
}
wait_until remembered

on 80 list
has '^PROTO +FROM +TO +STATE +EXPIRES$'
has '^udp +10\.1\.0\.1:[0-9]+ +10\.1\.0\.2:9 +- +(1h0m|59m[0-9]+s) unreplied in eth0$'
has '^udp +\[fd01::1\]:[0-9]+ +\[fd01::2\]:9 +- +(1h0m|59m[0-9]+s) unreplied in eth0$'
on 80 list --sort address
has '^udp +10\.1\.0\.1:[0-9]+ +10\.1\.0\.2:9 '
on 80 list --count
has '^udp +unreplied +2$'
on 80 delete --dport 9 --dry-run
has '^2 connections would be deleted, 0 '
on 80 list --expired
has '^tcp +10\.1\.0\.1:[0-9]+ +10\.1\.0\.2:7000 +ESTABLISHED +[0-9]+s idle$'
on 40 list
[ "$(wc -l <"$work/out")" -ge 6 ] || fail "lines are not continued: $(cat "$work/out")"
for columns in 80 100 60; do
	on "$columns" stats
	on "$columns" stats --all
	on "$columns" stats late-close
done
for columns in 80 100; do
	on "$columns" doctor -c "$work/finwall.conf"
	on "$columns" help
done
on 200 stats --all
has '^tcp-ignored .*the receiver may need it$'

# The same words on every terminal as without one.
words() {
	tr -s ' \n' '\n' <"$1" | grep -v '^[0-9.]*[a-z]*,*$'
}
ns server "$bin/finwall" --socket "$sock" stats --all >"$work/plain"
on 60 stats --all
words "$work/plain" >"$work/plain-words"
words "$work/out" >"$work/out-words"
diff "$work/plain-words" "$work/out-words" >"$work/diff" || fail "other words: $(cat "$work/diff")"
grep -Eq '^tcp-ignored .*the receiver may need it$' "$work/plain" || fail "wrapped without a terminal"
ns server "$bin/finwall" --socket "$sock" list >"$work/plain"
grep -Eq '^udp +10\.1\.0\.1:[0-9]+ +10\.1\.0\.2:9 +- +3[0-9]{3}s +unreplied in eth0$' "$work/plain" ||
	fail "other lines without a terminal: $(cat "$work/plain")"

# Messages.
ns client python3 "$terminal" 80 "$bin/finwall" --socket "$work/none" hook up -c "$work/finwall.conf" \
	>"$work/out" && fail "hook up without a daemon"
awk 'length($0) > 80 { wide = 1 } END { exit wide || NR < 3 }' "$work/out" || fail "$(cat "$work/out")"

printf '%s\n' '*filter' '-A INPUT -m physdev --physdev-in an-interface-with-a-long-name --physdev-is-bridged -j DROP' COMMIT \
	>"$work/old.rules"
ns client python3 "$terminal" 80 "$bin/finwall" import-iptables "$work/old.rules" >"$work/out" &&
	fail "import-iptables of what cannot be converted"
awk 'length($0) > 80 { wide = 1 } END { exit wide || NR < 2 }' "$work/out" || fail "$(cat "$work/out")"

# Events, one by one.
ns_bg server python3 "$terminal" 80 "$bin/finwall" --socket "$sock" events -n 1 >"$work/events"
events=$bg_pid
send_strays() {
	ns client python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
head = struct.pack("!HHIIBBHHH", 4444, 7000, 1, 1, 0x50, 0x11, 100, 0, 0)
words = struct.unpack("!22H", socket.inet_aton("10.1.0.1") + socket.inet_aton("10.1.0.2") + struct.pack("!HH", 6, 20) + head + b"\0" * 12)
total = sum(words)
total = (total & 0xffff) + (total >> 16)
total = 0xffff & ~(total + (total >> 16))
s.sendto(head[:16] + struct.pack("!H", total) + head[18:], ("10.1.0.2", 0))'
	gone "$events"
}
wait_until send_strays
awk 'length($0) > 80 { wide = 1 } END { exit wide || NR < 2 }' "$work/events" ||
	fail "events: $(cat "$work/events")"
daemon_end
