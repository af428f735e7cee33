#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Settings `events`: log lines to syslog and to the journal, logged packets in a pcap file that
# tcpdump reads, and a record of each connection that ended. The sockets are in a mount namespace of
# the test's.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 socat tcpdump unshare mount
topo_pair client server
conf() {
	cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 0; count 1 }
	events { journal $1; syslog $1; packets $work/packets.pcap; accounting $work/accounts; file-size 64K }
	connections { accounting on }
	state { import-kernel off }
}
table inet fw {
	chain input {
		type filter hook input priority filter; policy accept;
		udp dport 9 meta mark set 7 log prefix "NINE: " group 5 accept
		tcp dport 9 tcp flags & (syn|ack) == syn log prefix "SYN: " reject with tcp reset
	}
}
CONF
}
conf on
cat >"$work/world.sh" <<'WORLD'
set -eu
mount -t tmpfs none /run
mkdir -p /run/systemd/journal
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
for node in null zero full random urandom; do
	: >"$1/dev/$node"
	mount --bind "/dev/$node" "$1/dev/$node"
done
mount --rbind "$1/dev" /dev
python3 "$2/event_sinks.py" "$1" &
while [ ! -e "$1/bound" ]; do sleep 0.05; done
exec "$3/finwalld" -c "$1/finwall.conf" -s "$1/finwall.sock" -S none
WORLD
ns server unshare -m true 2>/dev/null || skip "no mount namespaces"
ns_bg server unshare -m sh "$work/world.sh" "$work" "$(dirname "$0")" "$bin" 2>>"$work/daemon.log"
daemon_pid=$bg_pid
wait_until daemon_is_ready_or_gone
! gone "$daemon_pid" || fail "finwalld ended"
ns_queue server INPUT --queue-num 0

echo hello | ns client socat -u - UDP:10.1.0.2:9,sourceport=4000
echo hello | ns client socat -u - 'UDP6:[fd01::2]:9,sourceport=4000'
ns client timeout 1 socat -u OPEN:/dev/null TCP:10.1.0.2:9 2>/dev/null || true
got_all() {
	grep -q SYN: "$work/syslog" && grep -q 'MESSAGE=SYN:' "$work/journal" &&
		[ "$(tcpdump -nr "$work/packets.pcap" 2>/dev/null | wc -l)" = 3 ]
}
wait_until got_all
grep -Eq "^<28>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} finwalld\[[0-9]+\]: NINE: IN=eth0 .*SRC=10\.1\.0\.1 .*DPT=9 rule=\"inet fw input $work/finwall.conf:[0-9]+\"$" \
	"$work/syslog" || fail "syslog: $(cat "$work/syslog")"
for field in 'PRIORITY=4' 'SYSLOG_IDENTIFIER=finwalld' 'FINWALL_EVENT=log' 'FINWALL_PREFIX=NINE: ' \
	'FINWALL_SRC=fd01::1' 'FINWALL_DPORT=9' 'FINWALL_PROTOCOL=udp' 'FINWALL_IN=eth0' \
	'FINWALL_HOOK=input' 'FINWALL_STATE=new' "FINWALL_RULE=inet fw input $work/finwall.conf:10"; do
	grep -qxF "$field" "$work/journal" || fail "journal without $field: $(cat "$work/journal")"
done
tcpdump -vnr "$work/packets.pcap" >"$work/tcpdump" 2>"$work/tcpdump.err"
grep -q 'link-type NFLOG' "$work/tcpdump.err" || fail "$(cat "$work/tcpdump.err")"
grep -q '10.1.0.1.4000 > 10.1.0.2.9: ' "$work/tcpdump" || fail "$(cat "$work/tcpdump")"
grep -q 'fd01::1.4000 > fd01::2.9: ' "$work/tcpdump" || fail "$(cat "$work/tcpdump")"
grep -qa 'NINE: ' "$work/packets.pcap" || fail "no prefix in the pcap file"
python3 - "$work/packets.pcap" <<'CHECK' || fail "pcap"
import struct, sys
data = open(sys.argv[1], "rb").read()
assert struct.unpack("=I", data[20:24]) == (239,)
seconds, micros, size, full = struct.unpack("=IIII", data[24:40])
assert size == full and micros < 1000000 and seconds > 1600000000
packet = data[40:40 + size]
assert packet[:2] == b"\x02\x00" and packet[2:4] == b"\x00\x05", packet[:4]  # group 5
found, at = {}, 4
while at < len(packet):
    length, kind = struct.unpack("=HH", packet[at:at + 4])
    found[kind] = packet[at + 4:at + length]
    at += (length + 3) & ~3
assert found[1] == b"\x08\x00\x01\x00" and found[10] == b"NINE: \0", found
assert found[4] != b"\0\0\0\0" and 5 not in found, found
assert found[9].endswith(b"hello\n") and found[9][0] == 0x45, found
CHECK

# accounting: connections that end; a rejected one never was
"$bin/finwall" --socket "$work/finwall.sock" flush >/dev/null
has_accounts() {
	[ "$(wc -l <"$work/accounts")" = 2 ]
}
wait_until has_accounts
python3 - "$work/accounts" <<'CHECK' || fail "accounting: $(cat "$work/accounts")"
import json, sys
for line in open(sys.argv[1]):
    o = json.loads(line)
    assert o["type"] == "destroy" and o["end"] == "deleted" and o["time_ms"] > 1600000000000, o
    c = o["connection"]
    assert c["original"]["destination_port"] == 9, o
    assert c["original"]["packets"] == 1 and c["reply"]["packets"] == 0, o
    assert c["original"]["bytes"] in (34, 54) and 0 <= c["age_ms"] < 60000, o
    assert o["rule"]["line"] == 10 and o["rule"]["text"].startswith("udp dport 9 meta mark"), o
CHECK

# a file that is full becomes FILE.1
fill() {
	ns client python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100):
    s.sendto(b"x" * 1000, ("10.1.0.2", 9))'
	[ -e "$work/packets.pcap.1" ]
}
wait_until fill
[ "$(stat -c %s "$work/packets.pcap.1")" -le 65536 ] || fail "a file that is too large"
for file in packets.pcap packets.pcap.1; do
	tcpdump -nr "$work/$file" 2>&1 >/dev/null | grep -q 'link-type NFLOG' || fail "$file is none"
done

# a reload without them
conf off
"$bin/finwall" --socket "$work/finwall.sock" reload >/dev/null
: >"$work/syslog"
before=$(grep -c NINE "$work/daemon.log")
echo hello | ns client socat -u - UDP:10.1.0.2:9
more_lines() {
	[ "$(grep -c NINE "$work/daemon.log")" -gt "$before" ]
}
wait_until more_lines
! grep -q NINE "$work/syslog" || fail "syslog after the reload: $(cat "$work/syslog")"
daemon_end
