#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line against a running daemon: every command, and the errors of each.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 setpriv
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock

cat >"$conf" <<'CONF'
settings {
	queue { num 7; count 1; on-absent drop }
	connections { max 5000 }
	udp { timeout unreplied 1h }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		udp dport 9 counter accept
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF

# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
out_lines() {
	[ "$(wc -l <"$work/out")" = "$1" ] || fail "not $1 lines: $(cat "$work/out")"
}

# Without a daemon.
ends 3 list
err_has 'no daemon is running'
ends 0 version
ends 2
ends 2 dance
ends 2 list sideways
ends 2 list --output xml
ends 0 help list

daemon_start server "$conf"
[ "$(stat -c %a "$sock")" = 600 ] || fail "the socket has other permissions than 600"
ends 0 version
out_has '^finwalld '
ends 0 hook up -c "$conf"
out_has 'dropped while no daemon answers$'

# One TCP connection that stays open, one of UDP.
cat >"$work/hold.py" <<'PY'
import socket, sys, time
if len(sys.argv) > 1:
	s = socket.create_server(("10.1.0.2", 7000))
	print("ready", flush=True)
	c = s.accept()[0]
	c.send(c.recv(1))
else:
	s = socket.create_connection(("10.1.0.2", 7000), source_address=("10.1.0.1", 40000))
	s.send(b"x")
	s.recv(1)
	socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.1.0.2", 9))
	print("ready", flush=True)
time.sleep(600)
PY
ns_bg server python3 "$work/hold.py" serve >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$work/hold.py" >"$work/hold.log"
wait_until grep -q ready "$work/hold.log"

ends 0 list
out_lines 3
out_has '^PROTO +FROM +TO'
out_has '^tcp +10\.1\.0\.1:40000 +10\.1\.0\.2:7000 +ESTABLISHED +[0-9]+s +assured in eth0$'
ends 0 list --output conntrack --proto tcp
out_lines 1
out_has '^tcp      6 [0-9]+ ESTABLISHED src=10\.1\.0\.1 dst=10\.1\.0\.2 sport=40000 dport=7000 src=10\.1\.0\.2 dst=10\.1\.0\.1 sport=7000 dport=40000 \[ASSURED\] mark=0 use=1$'
ends 0 list --output json
python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))) == 2' "$work/out"
ends 0 list --output json --address 10.9.0.0/16
python3 -c 'import json, sys; assert json.load(open(sys.argv[1])) == []' "$work/out"
ends 0 list -p udp -P 9 -a 10.1.0.1
out_lines 2
ends 0 list -s syn_sent
out_lines 0
ends 0 list --output conntrack --source 10.1.0.1 --dport 7000 --interface eth0
out_lines 1
ends 0 list --src 10.1.0.0/24 --dst 10.1.0.2 --sport 40000
out_lines 2
ends 0 list --source 10.1.0.2
out_lines 0
ends 0 list --destination 10.1.0.1
out_lines 0
ends 0 list --sport 7000
out_lines 0
ends 0 list --interface lo
out_lines 0
ends 0 list --dport discard --interface 'eth*'
out_lines 2
out_has '^udp '
ends 0 list --state syn_sent,established
out_lines 2
ends 0 list --expires-under 1h
out_lines 2
out_has '^udp '
# Numbers, and orders.
ends 0 list --count
out_lines 4
out_has '^tcp +ESTABLISHED +1$'
out_has '^udp +unreplied +1$'
out_has '^all +2$'
ends 0 list --count --proto tcp --output json
python3 -c 'import json, sys; assert json.load(open(sys.argv[1])) == [{"protocol": "tcp", "protocol_number": 6, "state": "ESTABLISHED", "count": 1}]' "$work/out"
ends 0 list --count --expired
out_lines 2
ends 0 list --sort expiry
out_lines 3
sed -n 2p "$work/out" | grep -q '^udp ' || fail "not by expiry: $(cat "$work/out")"
ends 0 list --sort state --output conntrack
out_lines 2
sed -n 1p "$work/out" | grep -q '^tcp ' || fail "not by state: $(cat "$work/out")"
ends 0 list --sort address --output json --limit 1
python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))) == 1' "$work/out"
err_has '^finwall list: the first 1 by address; 1 more are not printed$'
ends 2 list --source 10.1.0.300
err_has 'invalid source "10.1.0.300": expected ADDRESS or PREFIX/LENGTH'
ends 2 list -p nonsense
err_has 'protocol'
ends 2 list -a 10.1.0.0/33
ends 2 list -P 65536

# One connection.
ends 0 get tcp 10.1.0.1:40000 10.1.0.2:7000
out_lines 2
out_has '^tcp +10\.1\.0\.1:40000 +10\.1\.0\.2:7000 +ESTABLISHED +[0-9]+s +assured in eth0$'
ends 0 get tcp 10.1.0.1:40000 10.1.0.2:7000 --output conntrack
out_lines 1
out_has '^tcp      6 [0-9]+ ESTABLISHED src=10\.1\.0\.1 '
ends 0 get tcp 10.1.0.1:40000 10.1.0.2:7000 --output json
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))[0]["assured"]' "$work/out"
ends 1 get tcp 10.1.0.1:40000 10.1.0.2:7001 --output json
err_has 'no such connection'
out_lines 0
ends 2 get tcp 10.1.0.1 10.1.0.2
err_has 'source_port'

# Statistics, settings.
ends 0 stats
out_has '^tcp-open +new +1 '
out_has '^connections 2 of 5000, remembered 0'
out_has '^QUEUE 7'
ends 0 stats --output json
python3 - "$work/out" <<'PY' || fail "statistics as JSON"
import json, sys
s = json.load(open(sys.argv[1]))
assert s["table"]["connections"] == 2
assert [q["number"] for q in s["queues"]] == [7]
assert {r["name"]: r["packets"] for r in s["reasons"]}["tcp-open"] == 1
assert sum(v["accept"]["packets"] for v in s["verdicts"]) == sum(r["packets"] for r in s["reasons"])
PY
ends 0 stats late-close
out_has '^late-revived +established +0'
ends 0 show ruleset
"$bin/finwalld" -n -c "$work/out" || fail "the output of show is not a valid configuration"
ends 0 show ruleset --counters
out_has 'udp dport 9 counter packets 1 bytes 29 accept'
ends 0 show settings
out_has '^		num 7$'
out_has '^		timeout established '
"$bin/finwalld" -n -c "$work/out" || fail "the output of show settings is not a valid configuration"

# Counters that change, until SIGINT or SIGTERM; of late closes none does.
ends 2 stats --watch=0
# watch ARG...: runs stats with them; the shell starts background commands with SIGINT ignored, so that is undone
watch() {
	ns_bg server python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$bin/finwall" --socket "$sock" stats "$@" >"$work/watch"
	wait_until grep -q '^Changes follow every 1 s\.$' "$work/watch"
}
# watch_ends SIGNAL: ends it
watch_ends() {
	kill "-$1" "$bg_pid"
	code=0
	wait "$bg_pid" || code=$?
	[ "$code" = 0 ] || fail "stats --watch after SIG$1: exit status $code"
	if grep -q "$(printf '\033')" "$work/watch"; then
		fail "escape sequences without a terminal: $(cat "$work/watch")"
	fi
}
watch --watch 1
ns client python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 5555))
for i in range(5):
	s.sendto(b"x", ("10.1.0.2", 9))'
wait_until grep -Eq '^input new accepted +[0-9]+ +\+[1-5] +[0-9.]+$' "$work/watch"
watch_ends INT
watch late-close --watch=1
wait_until grep -q '^No counter has changed\.$' "$work/watch"
watch_ends TERM
ends 0 delete --proto udp --sport 5555 --forget
out_has '^1 connections deleted'

# Reload of a valid and of an invalid configuration.
sed 's/udp dport 9/udp dport 10/' "$conf" >"$work/new" && cp "$work/new" "$conf"
ends 0 reload
ends 0 show ruleset
out_has 'udp dport 10'
echo 'table inet x { chain input { nonsense } }' >"$conf"
ends 1 reload
err_has "$conf:1:[0-9]+: "
ends 0 show ruleset
out_has 'udp dport 10'

# Delete one connection, then all.
ends 1 delete tcp 10.1.0.1:40000 10.1.0.2:7001
ends 2 delete tcp 10.1.0.1:40000 10.1.0.2
ends 2 delete tcp 10.1.0.1:40000
ends 2 delete tcp 10.1.0.1:40000 10.1.0.2:7000 --remember --forget
ends 2 flush --remember --forget
ends 0 delete tcp 10.1.0.1:40000 10.1.0.2:7000 --remember
ends 1 delete tcp 10.1.0.1:40000 10.1.0.2:7000 --remember
err_has 'no such connection'
ends 0 list --expired
out_has '^tcp +10\.1\.0\.1:40000 +10\.1\.0\.2:7000 +ESTABLISHED +[0-9]+s +flushed$'
ends 0 list --expired --output json
python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))[0]["cause"] == "flushed"' "$work/out"
ends 0 delete tcp 10.1.0.1:40000 10.1.0.2:7000
ends 0 list --expired
out_has '^tcp +10\.1\.0\.1:40000 +10\.1\.0\.2:7000 +ESTABLISHED +[0-9]+s +deleted$'
ends 1 delete tcp 10.1.0.1:40000 10.1.0.2:7000
err_has 'no such connection'
ends 0 list
out_lines 2
# With filters; a dry run changes nothing.
ends 0 flush --dry-run
out_lines 3
out_has '^1 connections would be deleted, 0 remembered ones would be ended or forgotten$'
ends 0 delete --sport 40000 --forget --dry-run
out_lines 3
out_has '^tcp .* deleted$'
out_has '^0 connections would be deleted, 1 remembered ones would be'
ends 0 list --expired
out_lines 2
ends 0 delete --sport 40000 --forget
out_has '^0 connections deleted, 1 remembered ones ended or forgotten$'
ends 0 list --expired
out_lines 0
ends 0 delete --dst 10.1.0.1
out_has '^0 connections deleted, 0 remembered'
ends 0 flush --forget
out_has '^1 connections flushed$'
ends 0 list
out_lines 0

# Varlink's own methods, several calls in one write, from a client that has shut down its sending
# side. Then invalid bytes, a message without an end, and a client that does not read its list: the
# daemon keeps running.
cat >"$work/raw.py" <<'PY'
import json, socket, sys
def ask(data, shut=True):
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10)
	s.connect(sys.argv[1])
	try:
		s.sendall(data)
		if shut:
			s.shutdown(socket.SHUT_WR)
		out = b""
		while part := s.recv(65536):
			out += part
	except (BrokenPipeError, ConnectionResetError):
		out = b""
	return [json.loads(m) for m in out.split(b"\0")[:-1]]
def msg(method, **rest):
	return json.dumps(dict(method=method, **rest)).encode() + b"\0"
r = ask(msg("org.varlink.service.GetInfo") + msg("org.finwall.Control.Nothing") + msg("a.B")
        + msg("org.finwall.Control.ListConnections") + msg("org.finwall.Control.GetStats", oneway=True)
        + msg("org.finwall.Control.ListConnections", more=True)
        + msg("org.varlink.service.GetInterfaceDescription",
              parameters={"interface": "org.finwall.Control"}))
assert "org.finwall.Control" in r[0]["parameters"]["interfaces"]
assert [x.get("error") for x in r[1:4]] == ["org.varlink.service.MethodNotFound",
	"org.varlink.service.InterfaceNotFound", "org.varlink.service.ExpectedMore"], r
assert r[4]["parameters"] == {"connections": []} and "continues" not in r[4], r
assert "method Flush" in r[5]["parameters"]["description"]
assert len(r) == 6
assert ask(b"nonsense\0", False) == []
assert ask(b"{" * 20000, False) == []
assert ask(b"x" * 16384 + b"\0", False) == []
assert ask(msg("org.varlink.service.GetInfo")[:-1]) == []
PY
python3 "$work/raw.py" "$sock" || fail "the control protocol"

# A long list in pieces. A client that does not read it delays no other client.
ns client python3 - <<'PY'
import socket
for port in range(1000, 4000):
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.sendto(b"x", ("10.1.0.2", port))
	s.close()
PY
all_there() {
	finwall stats && grep -q '^connections 3000 ' "$work/out"
}
wait_until all_there
ends 0 list --output conntrack
[ "$(sort -u "$work/out" | wc -l)" = 3000 ] || fail "the list is incomplete"
python3 - "$sock" <<'PY' || fail "a client that does not read"
import json, socket, sys
def connect():
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10)
	s.connect(sys.argv[1])
	return s
ask = json.dumps({"method": "org.finwall.Control.ListConnections", "more": True}).encode() + b"\0"
# a client that shuts down its sending side and reads slowly gets the whole list
s = connect()
s.sendall(ask)
s.shutdown(socket.SHUT_WR)
out = b""
while part := s.recv(4096):
	out += part
replies = [json.loads(m)["parameters"]["connections"] for m in out.split(b"\0")[:-1]]
assert sum(map(len, replies)) == 3000, len(replies)
lazy = [connect() for i in range(20)]
for s in lazy:
	s.sendall(ask * 20)
s = connect()
s.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
assert b"finwalld" in s.recv(65536)
PY
ends 0 list
out_lines 3001

ends 0 list --count
out_has '^udp +unreplied +3000$'
ends 0 list --sort address --limit 3000 --output conntrack
out_lines 3000
ends 0 list --sort expiry --limit 7
out_lines 8
err_has '2993 more are not printed'

# Of many connections those that match are deleted, and no others.
ends 0 flush --proto udp --dport 1500 --dry-run
out_has '^1 connections would be deleted, 0 '
ends 0 flush --proto udp --dport 1500
out_has '^1 connections deleted, 0 '
ends 1 get udp 10.1.0.1:1 10.1.0.2:1500
ends 0 flush --proto tcp
out_has '^0 connections deleted, 0 '
ends 0 list
out_lines 3000
ends 0 flush --destination 10.1.0.0/24 --remember
out_has '^2999 connections deleted, 0 '
ends 0 list
out_lines 0

# Only root and the daemon's user may connect.
chmod 666 "$sock"
chmod 755 "$work"
code=0
setpriv --reuid 65534 --clear-groups "$bin/finwall" --socket "$sock" stats 2>"$work/err" || code=$?
[ "$code" = 1 ] || fail "another user: exit status $code"
err_has 'PermissionDenied|root'

# A second daemon replaces the socket of a killed daemon, not that of a running one.
sed 's/num 7/num 8/' "$work/new" >"$conf"
code=0
ns server "$bin/finwalld" -c "$conf" -s "$sock" 2>"$work/second.log" || code=$?
[ "$code" = 2 ] || fail "a second daemon: exit status $code"
grep -q 'another finwalld' "$work/second.log" ||
	fail "the second daemon logs: $(cat "$work/second.log")"
ends 0 version
kill -KILL "$daemon_pid"
wait_until gone "$daemon_pid"
[ -S "$sock" ] || fail "no socket of a killed daemon"
ends 3 stats
: >"$work/daemon.log"
daemon_start server "$conf"
ends 0 stats
daemon_end
[ ! -e "$sock" ] || fail "the socket is not removed"
ends 0 hook down
