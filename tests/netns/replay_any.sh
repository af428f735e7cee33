#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A router's capture of all interfaces contains each packet twice. finwall replay must give it the
# verdicts of a capture that has each packet once, where it enters.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip tcpdump python3
"$bin/finwall" replay --help | grep -q sweep || skip "built without replay"
topo_gateway client router server
for to in 10.3.0.2 fd03::2; do wait_until ns_ping client "$to"; done

# capture NAME [OPTION...]: starts a capture of TCP on all interfaces of the router
capture() {
	name=$1
	shift
	ns_bg router tcpdump -i any -U -B 8192 -Z root "$@" -w "$work/$name.pcap" tcp 2>"$work/$name.log"
	wait_until grep -q '^tcpdump: listening\|, link-type' "$work/$name.log"
}
capture in -Q in
in=$bg_pid
capture any
any=$bg_pid

ns_bg server python3 -c '
import socket, threading
def serve(s):
	while True:
		c = s.accept()[0]
		while c.recv(65536):
			c.send(b"x")
		c.close()
for address, family in (("10.3.0.2", socket.AF_INET), ("fd03::2", socket.AF_INET6)):
	threading.Thread(target=serve, args=(socket.create_server((address, 7000), family=family),)).start()
print("ready", flush=True)' >"$work/server.log"
wait_until grep -q ready "$work/server.log"
ns client python3 -c '
import socket
for i in range(20):
	for address in ("10.3.0.2", "fd03::2"):
		s = socket.create_connection((address, 7000))
		for size in (1, 1000, 1):
			s.send(b"x" * size)
			s.recv(1)
		s.close()
try:
	socket.create_connection(("10.3.0.2", 7001))
except ConnectionRefusedError:
	pass'

# frames NAME [PATTERN]: how many frames a capture has so far
frames() {
	tcpdump -n -r "$work/$1.pcap" 2>/dev/null | grep -c "${2:-.}"
}
# The reset of the refused connection is the last packet.
whole() {
	[ "$(frames in 'Flags \[R')" = 1 ] && [ "$(frames any 'Flags \[R')" = 2 ]
}
wait_until whole
kill "$in" "$any"
wait_until gone "$in"
wait_until gone "$any"

for name in in any; do
	"$bin/finwall" replay -v --differences 0 "$work/$name.pcap" |
		sed 's/^[^ ]*pcap:[0-9]* +[0-9.]* //; s/ in [0-9a-z]*$//' >"$work/$name.txt"
done
# Two captures may disagree about which of two packets came first that two CPUs delivered at once,
# so only what each packet got is compared, and the totals, not the order of the lines.
sort -o "$work/in.txt" "$work/in.txt"
grep -q "^frames skipped, copies from another interface: $(frames in)\$" "$work/any.txt" ||
	fail "not $(frames in) copies: $(grep '^frames' "$work/any.txt")"
sed -i '/^frames skipped/d' "$work/any.txt"
sort -o "$work/any.txt" "$work/any.txt"
diff "$work/in.txt" "$work/any.txt" >"$work/diff" || fail "other verdicts: $(head -n 20 "$work/diff")"
grep -Eq '^  tcp-open +41 ' "$work/any.txt" || fail "not 41 connections: $(tail -n 30 "$work/any.txt")"
