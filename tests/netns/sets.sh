#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall set: add and delete elements while packets pass. A change applies to every later packet,
# and other packets are not lost. Impossible changes are errors.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
topo_pair client server
ns client ip addr add 10.1.0.9/24 dev eth0
conf=$work/finwall.conf
sock=$work/finwall.sock

cat >"$work/blocklist.txt" <<'LIST'
# a list in the format of published block lists
192.0.2.0/24 ; a network
198.51.100.7
203.0.113.1-203.0.113.9
LIST
cat >"$conf" <<'CONF'
settings {
	queue { num 0; count 2; on-absent drop }
}
table inet finwall {
	set blocked {
		type ipv4_addr
		flags interval
		elements-file "blocklist.txt"
	}
	set six { type ipv6_addr; flags interval; auto-merge; elements = { 2001:db8::/32 } }
	set ports { type inet_service; elements = { 9 } }
	set fixed { type ipv4_addr; flags constant; elements = { 192.0.2.1 } }
	set lans { type ifname; elements = { "wan*" } }
	chain input {
		type filter hook input priority filter; policy accept;
		iifname @lans drop
		ip saddr @fixed drop
		ip saddr @blocked drop
		ip6 saddr @six drop
		udp dport @ports drop
	}
}
table ip other {
	set ports { type inet_service; }
}
CONF

# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"
out_is() {
	printf '%s' "${1:+$(printf '%s\n' "$@")
}" | cmp -s - "$work/out" || fail "not \"$*\" but: $(cat "$work/out")"
}

daemon_start server "$conf"
ns_queue server INPUT --queue-balance 0:1

# List.
ends 0 set list
out_has '^blocked +ipv4_addr +inet finwall +3 +0 +0$'
ends 0 set list --output json
python3 - "$work/out" <<'PY' || fail "sets as JSON"
import json, sys
sets = {(s["table"], s["name"]): s for s in json.load(open(sys.argv[1]))}
assert sets["finwall", "blocked"]["elements"] == 3 and sets["finwall", "blocked"]["can_change"]
assert not sets["finwall", "fixed"]["can_change"] and not sets["finwall", "lans"]["can_change"]
assert sets["other", "ports"]["elements"] == 0
PY
ends 0 set list blocked
out_is 192.0.2.0/24 198.51.100.7 203.0.113.1-203.0.113.9
ends 0 set list lans
out_is 'wan*'
ends 0 set list blocked --output json
python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))) == 3' "$work/out"

# Errors.
ends 1 set add nosuch 10.0.0.1
err_has 'no set or map nosuch'
ends 1 set list nosuch
ends 1 set add blocked 2001:db8::1
err_has '2001:db8::1.*expected an IPv4 address'
ends 1 set add blocked 10.0.0.0/33
ends 1 set add blocked 10.9.9.9 nonsense
ends 1 set delete blocked 10.9.9.9
err_has '10.9.9.9 is not in set blocked'
ends 1 set add blocked 192.0.2.128/25
err_has '192.0.2.128/25 overlaps with 192.0.2.0/24'
ends 1 set delete blocked 192.0.2.7
err_has '192.0.2.7 overlaps with 192.0.2.0/24'
ends 1 set add ports 1
err_has 'inet finwall and in table ip other'
ends 1 set add fixed 10.0.0.1
err_has 'constant'
ends 1 set add lans eth9
err_has 'interface names'
ends 2 set
ends 2 set dance blocked
ends 2 set add blocked
ends 2 set flush blocked 10.0.0.1
ends 2 set list blocked --output xml
# shellcheck disable=SC2046 # so many arguments
ends 1 set add blocked $(seq -f '10.7.%.0f.0/24' 0 250) $(seq -f '10.8.%.0f.0/24' 0 250) \
	$(seq -f '10.9.%.0f.0/24' 0 250) $(seq -f '10.10.%.0f.0/24' 0 250)
err_has 'too many elements'
ends 0 set list blocked
out_is 192.0.2.0/24 198.51.100.7 203.0.113.1-203.0.113.9

# Changes.
ends 0 set add blocked 192.0.2.0/24
out_is '0 added'
ends 0 set add blocked '{ 10.7.0.0/16,' 10.8.0.1 '}'
out_is '2 added'
ends 0 set delete blocked 10.7.0.0/16 10.8.0.1
out_is '2 deleted'
ends 0 set delete six 2001:db8:1::/48
ends 0 set list six
out_is 2001:db8::/48 2001:db8:2::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
ends 0 set add six 2001:db8:1::/48
ends 0 set list six
out_is 2001:db8::/32
ends 0 set add ports --table 'inet finwall' 7 ssh
ends 0 set list ports --table finwall
out_is 7 9 22
ends 0 set list ports --table 'ip other'
out_is
ends 0 show ruleset
out_has 'elements = \{ 7, 9, 22 \}'
out_has "elements-file \"$work/blocklist.txt\""
out_has '# since then 2 added, 2 deleted: finwall set list blocked'
"$bin/finwalld" -n -c "$work/out" || fail "the output of show is not a valid configuration"

# Numbered datagrams of two addresses, while one of them is added to and deleted from the set of
# blocked ones, many times. All of the other address must arrive. Of the first: none that is sent
# after the reply to `add`, all that are sent after the reply to `delete`.
cat >"$work/stream.py" <<'PY'
import os, select, socket, subprocess, sys, threading, time
finwall, sock, ns_client = sys.argv[1:4]

rx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
rx.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
rx.bind(("10.1.0.2", 7000))
rx.settimeout(0.2)
sender = subprocess.Popen(["ip", "netns", "exec", ns_client, sys.executable, "-c", """
import socket, sys, time
steady = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
steady.bind(("10.1.0.1", 7001))
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("10.1.0.9", 7002))
n = 0
import select
while True:
	if select.select([sys.stdin], [], [], 0.0005)[0]:
		word = sys.stdin.readline().strip()
		if word == "end" or not word:
			break
		asked.sendto(("asked " + word).encode(), ("10.1.0.2", 7000))
	for i in range(5):
		steady.sendto(b"steady %d" % n, ("10.1.0.2", 7000))
		n += 1
print(n, flush=True)
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

steady, asked, stop = set(), [], False
def receive():
	while not stop:
		try:
			words = rx.recv(100).decode().split()
		except TimeoutError:
			continue
		if words[0] == "steady":
			steady.add(int(words[1]))
		else:
			asked.append(words[1])
t = threading.Thread(target=receive)
t.start()

def ask(word):
	sender.stdin.write(word + "\n")
	sender.stdin.flush()
def run(*args):
	subprocess.run([finwall, "--socket", sock, "set", *args], check=True, stdout=subprocess.DEVNULL)
def wait_for(what):
	end = time.monotonic() + 30
	while not what():
		if time.monotonic() > end:
			sys.exit("timeout")
		time.sleep(0.001)

for round in range(30):
	wait_for(lambda: len(steady) > round * 20)
	ask("in-%d" % round)
	wait_for(lambda: asked and asked[-1] == "in-%d" % round)
	run("add", "blocked", "10.1.0.9", "10.200.%d.0/24" % round)
	ask("out-%d" % round)
	seen = max(steady)
	wait_for(lambda: max(steady) > seen + 20)  # what was sent behind it has come
	run("delete", "blocked", "10.1.0.9")
ask("end")
sent = int(sender.stdout.readline())
wait_for(lambda: len(steady) == sent)
stop = True
t.join()
wrong = [a for a in asked if not a.startswith("in-")]
assert not wrong, wrong
assert len(asked) == 30, asked
PY
ns server timeout 100 python3 "$work/stream.py" "$bin/finwall" "$sock" "$ns_tag-client" ||
	fail "changes under traffic"
ends 0 set list blocked
[ "$(wc -l <"$work/out")" = 33 ] || fail "not 33 elements: $(cat "$work/out")"

# A flush, and a reload, which restores the elements of the configuration.
ends 0 set flush blocked
out_is '33 deleted'
ends 0 set list blocked
out_is
ends 0 set add blocked 10.1.0.1
ends 0 reload
log_has 'set blocked: the reload discards [0-9]+ additions and [0-9]+ deletions by command' ||
	fail "the reload does not log which changes are lost"
ends 0 set list blocked
out_is 192.0.2.0/24 198.51.100.7 203.0.113.1-203.0.113.9

# The error names the line of the list.
printf '10.0.0.1\n  10.0.0.256 # no\n' >"$work/blocklist.txt"
ends 1 reload
err_has "$work/blocklist.txt:2:3: \"10.0.0.256\" is not valid here"
ends 0 set list blocked
out_is 192.0.2.0/24 198.51.100.7 203.0.113.1-203.0.113.9

# Only root and the daemon's user may change a set.
chmod 666 "$sock"
chmod 755 "$work"
if command -v setpriv >/dev/null; then
	! setpriv --reuid 65534 --clear-groups "$bin/finwall" --socket "$sock" set flush blocked \
		2>"$work/err" || fail "another user may change a set"
fi
daemon_end
