#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon with the rights of its unit: a user without the group root, CAP_NET_ADMIN alone, and a
# filter that refuses capset(), bpf() and IP sockets. finwall-opener gives it what it needs: answers
# to rejected packets, metrics on a port, the queues' counters, the rules of iptables-legacy, the
# kernel fast path. Both may be killed in any order.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

refused=$(dirname "$0")/../support/refused.py

netns_begin iptables ip6tables python3 setpriv
run=$work/run
mkdir "$run" "$run/opener" "$run/state"
fast_path_begin "$run"
topo_pair client server
chmod 755 "$work" "$run"
chown 64999:64999 "$run" "$run/opener" "$run/state"
opener=$run/opener/socket

# Where that user can run them.
cp "$bin/finwalld" "$bin/finwall-opener" "$run"

# as_unit.py DAEMON COMMAND...: as the user of the units; with the rights of the daemon's unit, or
# those of the opener's.
cat >"$work/as_unit.py" <<'PY'
import ctypes, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 8, 22, 24, 38, 47
NET_ADMIN, NET_RAW, SETPCAP, SETUID, SETGID = 12, 13, 8, 7, 6
is_daemon = sys.argv[1] == "daemon"
kept = [NET_ADMIN] if is_daemon else [NET_ADMIN, NET_RAW]

def prctl(*args):
    if libc.prctl(*args) != 0:
        sys.exit(f"prctl {args}: {os.strerror(ctypes.get_errno())}")

for cap in range(40):
    if cap not in kept:
        libc.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0)
prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
os.setgroups([] if is_daemon else [0])
os.setresgid(64999, 64999, 64999)
os.setresuid(64999, 64999, 64999)
bits = sum(1 << cap for cap in kept)
header = ctypes.create_string_buffer(struct.pack("=II", 0x20080522, 0))
sets = ctypes.create_string_buffer(struct.pack("=6I", bits, bits, bits, 0, 0, 0))
if libc.capset(header, sets) != 0:
    sys.exit("capset: " + os.strerror(ctypes.get_errno()))
for cap in kept:
    prctl(PR_CAP_AMBIENT, 2, cap, 0, 0)
prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
if is_daemon:
    # The system call filter of the daemon's unit, as far as it matters here.
    capset, bpf, socket = {"x86_64": (126, 321, 41), "aarch64": (91, 280, 198)}[platform.machine()]
    eperm, eafnosupport = 0x00050001, 0x00050061
    code = [(0x20, 0, 0, 0), (0x15, 7, 0, capset), (0x15, 6, 0, bpf), (0x15, 0, 4, socket),
            (0x20, 0, 0, 16), (0x15, 1, 0, 2), (0x15, 0, 1, 10), (0x06, 0, 0, eafnosupport),
            (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, eperm)]
    filter = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *c) for c in code))
    program = struct.pack("=H6xQ", len(code), ctypes.addressof(filter))
    prctl(PR_SET_SECCOMP, 2, ctypes.create_string_buffer(program), 0, 0)
os.execv(sys.argv[2], sys.argv[2:])
PY

cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	hook { backend iptables; fast-path on; watch off }
	metrics { port 9477 }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 7001 reject with tcp reset
		udp dport 7001 reject
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF

opener_start() {
	ns_bg server python3 "$work/as_unit.py" opener "$run/finwall-opener" "$opener" "$run/fast-path" \
		2>>"$work/opener.log"
	opener_pid=$bg_pid
	wait_until test -S "$opener"
}
start() {
	: >"$work/daemon.log"
	FINWALL_OPENER=$opener ns_bg server python3 "$work/as_unit.py" daemon "$run/finwalld" \
		-c "$work/finwall.conf" \
		-s "$run/finwall.sock" -S "$run/state/state" 2>>"$work/daemon.log"
	daemon_pid=$bg_pid
	wait_until daemon_is_ready_or_gone
	! gone "$daemon_pid" || fail "finwalld ended: $(cat "$work/daemon.log")"
}
fw() {
	ns server "$bin/finwall" --socket "$run/finwall.sock" "$@"
}
field() {
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}
raw_pid() {
	pgrep -P "$opener_pid" -x finwall-raw
}
answers() {
	for to in 10.1.0.2 fd01::2; do
		ns client python3 "$refused" tcp "$to" 7001 ECONNREFUSED >/dev/null || return 1
		ns client python3 "$refused" udp "$to" 7001 ECONNREFUSED >/dev/null || return 1
	done
}
has_metrics() {
	for at in 127.0.0.1 '[::1]'; do
		ns server python3 -c 'import sys, urllib.request as r
sys.exit(b"finwall_" not in r.urlopen("http://%s:9477/metrics" % sys.argv[1]).read())' "$at" || return 1
	done
}
fast_path_is_on() {
	fw stats --output json | python3 -c 'import json, sys
sys.exit(not json.load(sys.stdin)["fast_path"]["on"])'
}

# Without an opener: it filters, and logs what does not work.
start
log_has 'cannot send raw packets' || fail "no warning without an opener"
[ "$(field "$daemon_pid" CapPrm)" = 0000000000001000 ] || fail "other capabilities"
[ "$(field "$daemon_pid" Uid)" = 64999 ] || fail "another user"
ns_ping client 10.1.0.2 || fail "no ping"
fw hook up -c "$work/finwall.conf" >/dev/null || fail "hook up"
! answers || fail "rejected packets are answered by nobody"

# Then there is one.
opener_start
wait_sec=15 wait_until log_has 'raw packet sender restarted'
answers || fail "no answers to rejected packets"
wait_until fast_path_is_on
daemon_end

start
! log_has 'cannot' || fail "something cannot be done: $(cat "$work/daemon.log")"
wait_until answers
has_metrics || fail "no metrics"
wait_until fast_path_is_on
fw stats | grep -q '^waiting ' || fail "the queues' counters are hidden from it"
raw=$(raw_pid) || fail "no raw packet sender"
[ "$(field "$raw" CapPrm)" = 0000000000000000 ] || fail "the sender has capabilities"
[ "$(field "$raw" Seccomp)" = 2 ] || fail "the sender has no filter"

# The sender, then the opener is killed.
kill -KILL "$raw"
wait_sec=15 wait_until log_has 'raw packet sender restarted'
answers || fail "no answers after a kill of the sender"
kill -KILL "$opener_pid"
wait_until gone "$opener_pid"
: >"$work/daemon.log"
opener_start
wait_sec=15 wait_until log_has 'raw packet sender restarted'
answers || fail "no answers after a kill of the opener"

# One that hangs: packets are judged, commands are answered.
kill -STOP "$opener_pid"
ns_ping client 10.1.0.2 || fail "no ping while the opener hangs"
timeout 10 ip netns exec "$ns_tag-server" "$bin/finwall" --socket "$run/finwall.sock" stats >/dev/null ||
	fail "no stats while the opener hangs"
kill -CONT "$opener_pid"

# Other users cannot ask it, nor others than the daemon send through it.
if setpriv --reuid 65533 --clear-groups --bounding-set=-all --inh-caps=-all python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' "$opener" 2>/dev/null; then
	fail "another user can connect to the opener"
fi

# Rules of iptables-legacy, which the kernel lists to an IP socket.
if command -v iptables-legacy >/dev/null && ns server iptables-legacy -w -t filter -S >/dev/null 2>&1; then
	ns server iptables-legacy -w -A INPUT -j NFQUEUE --queue-num 0
	fw doctor -c "$work/finwall.conf" >"$work/doctor.txt" 2>&1 || true
	! grep -qi 'not permitted\|not supported' "$work/doctor.txt" || fail "$(cat "$work/doctor.txt")"
	! log_has 'cannot read' || fail "$(cat "$work/daemon.log")"
fi

# A stop leaves no process.
raw=$(raw_pid)
fw hook down >/dev/null || fail "hook down"
daemon_end
wait_until gone "$raw"
kill "$opener_pid"
wait_until gone "$opener_pid"
