#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hook compare-kernel: for ordinary traffic the kernel's tracker gives every packet the same state.
# Differences that the test provokes are counted and logged. In shadow mode (enforce off) a policy
# that drops everything drops no packet, and counts what it would have dropped.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables conntrack python3 ss
topo_gateway client wall server

conf() {
	cat <<CONF
settings {
	queue { num 3; count 1 }
	hook { backend iptables; compare-kernel $1 }
	connections { late-close strict; on-idle forget; resurrect off; enforce $2 }
	state { import-kernel off }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy $3;
		tcp dport 9 reject with tcp reset
		udp dport 9 reject
	}
	chain forward {
		type filter hook forward priority filter; policy $3;
	}
	chain output {
		type filter hook output priority filter; policy $3;
	}
}
CONF
}

# stat WHAT...: the sum of these counters of the comparison, from one reply of the daemon.
stat() {
	"$bin/finwall" --socket "$work/finwall.sock" stats -o json |
		python3 -c 'import json, sys
stats = json.load(sys.stdin)
compare = stats["compare"]
numbers = {r["name"]: r["count"] for r in compare["results"]}
numbers["all"] = sum(p["packets"] for p in compare["states"])
numbers["dropped"] = sum(v["drop"]["packets"] for v in stats["verdicts"])
print(*[numbers[name] for name in sys.argv[1:]])' "$@"
}
stat_is_above() {
	[ "$(stat "$1")" -gt "$2" ]
}
# A worker may have counted its latest packet in one of the two counters only.
all_are_same() {
	read -r same all <<-NUMBERS
		$(stat same all)
	NUMBERS
	[ "$same" = "$all" ]
}
only_same() {
	wait_until all_are_same
	[ "$(stat different)" = 0 ] || fail "$1: the kernel gives other states"
}
hook() {
	ns wall "$bin/finwall" --socket "$work/finwall.sock" hook "$@" >>"$work/hook.log" 2>&1 ||
		fail "hook $*"
}
datagrams=$(dirname "$0")/../support/datagrams.py
# lookups ADDRESS: 3000 datagrams with replies, from 50 ports in turn.
lookups() {
	ns client python3 "$datagrams" "$1" 60
}
answer_lookups() {
	ns_bg server python3 "$datagrams" answer >"$work/answer.log"
	wait_until grep -q ready "$work/answer.log"
}

# Ordinary traffic. Marks below the upper 8 bits stay what they are.
conf on on accept >"$work/finwall.conf"
daemon_start wall "$work/finwall.conf"
hook up -c "$work/finwall.conf"
ns wall iptables -w -t mangle -A PREROUTING -j MARK --set-mark 0xab0000cd
ns wall iptables -w -t mangle -A POSTROUTING -o east -m mark --mark 0xcd
ns wall iptables -w -t mangle -A POSTROUTING -o east -m mark ! --mark 0xcd
"$bin/finwall" --socket "$work/finwall.sock" events compare --output json >"$work/compare.events" &
bg_pids="$bg_pids $!"
answer_lookups
for server in 10.3.0.2 fd03::2; do
	ns_bg server "$peer" serve "$server" 7000 >"$work/serve.log"
	wait_until grep -q ready "$work/serve.log"
	ns client "$peer" short "$server" 7000 1000 >"$work/short.log" || fail "short connections"
	ns client "$peer" bulk "$server" 7000 200 >"$work/bulk.log" || fail "bulk transfer"
	lookups "$server" || fail "lookups"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ns_ping client "$server" || fail "no echo $i from $server"
	done
done
# The kernel's replies to rejected packets arrive although its tracker is on.
for wall in 10.2.0.254 fd02::fe; do
	ns client python3 - "$wall" <<-'REFUSED' || fail "no reply to a rejected packet to $wall"
		import socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		    s = socket.socket(family, kind)
		    s.settimeout(30)
		    try:
		        s.connect((sys.argv[1], 9))
		        s.send(b"?")
		        s.recv(1)
		        sys.exit(1)
		    except ConnectionRefusedError:
		        pass
	REFUSED
done
ns wall conntrack -C >/dev/null || fail "the kernel does not track"
"$bin/finwall" --socket "$work/finwall.sock" stats >"$work/stats.log"
only_same "ordinary traffic"
[ "$(stat same)" -gt 30000 ] || fail "only $(stat same) packets were compared"
ns wall iptables -w -t mangle -nvxL POSTROUTING | awk '
	/mark match ! 0xcd/ { others = $1; next }
	/mark match 0xcd/ { ours = $1 }
	END { exit !(ours > 10000 && others == 0) }' || fail "marks are changed"

# The kernel loses the entry of a live connection: its data is then NEW, its FIN INVALID.
ns_bg server "$peer" listen 7100-7101 10.3.0.2 >"$work/listen.log"
wait_until grep -q ready "$work/listen.log"
mkfifo "$work/say"
exec 9<>"$work/say" # for reading too, so that opening does not wait for the other end
ns client "$peer" connect 7100-7101 10.3.0.2 <"$work/say" >"$work/connect.log" &
wait_until grep -q ready "$work/connect.log"
only_same "before the kernel forgets"
ns wall conntrack -D -p tcp --dport 7100 >/dev/null 2>&1 || fail "conntrack -D"
echo "send 7100" >&9
wait_until grep -q "data .* 7100" "$work/listen.log"
wait_until stat_is_above different 0
ns wall conntrack -D -p tcp --dport 7101 >/dev/null 2>&1 || fail "conntrack -D"
echo "fin 7101" >&9
wait_until grep -q "eof .* 7101" "$work/listen.log"
wait_until stat_is_above different 1
wait_until log_has 'compare: finwall=established kernel=new reason=tcp-tracked .* DPT=7100 .* PSH'
wait_until log_has 'compare: finwall=established kernel=invalid reason=tcp-tracked .* DPT=7101 .* FIN'
wait_until grep -q '"destination_port":7101,.*"state":"established",.*"kernel_state":"invalid"' \
	"$work/compare.events"
daemon_end
hook down

# A connection older than the daemon is counted as such, not as a difference.
: >"$work/daemon.log"
ns wall iptables -w -A FORWARD -m conntrack --ctstate NEW
ns_bg server "$peer" listen 7200 10.3.0.2 >"$work/listen2.log"
wait_until grep -q ready "$work/listen2.log"
mkfifo "$work/say2"
exec 9<>"$work/say2"
ns client "$peer" connect 7200 10.3.0.2 <"$work/say2" >"$work/connect2.log" &
wait_until grep -q ready "$work/connect2.log"
conf on off drop >"$work/finwall.conf"
daemon_start wall "$work/finwall.conf"
hook up -c "$work/finwall.conf"
echo "send 7200" >&9
wait_until grep -q "data .* 7200" "$work/listen2.log"
wait_until stat_is_above no-start 0
[ "$(stat different)" = 0 ] || fail "a connection older than the daemon is counted as a difference"

# In shadow mode packets that the policy would drop pass.
before=$(stat same)
ns client "$peer" short 10.3.0.2 7000 200 >"$work/short.log" || fail "enforce off drops"
lookups 10.3.0.2 || fail "enforce off drops"
wait_until stat_is_above same $((before + 4000))
[ "$(stat different)" = 0 ] || fail "enforce off: the kernel gives other states"
[ "$(stat dropped)" -ge $((before + 4000)) ] || fail "what would have been dropped is not counted"
daemon_end
hook down
ns wall iptables -w -D FORWARD -m conntrack --ctstate NEW

# Switched on under open connections: those that the daemon loaded are unknown to the kernel's tracker.
# That is no difference until the kernel has picked them up; what it then forgets is one.
: >"$work/daemon.log"
conf off on accept >"$work/finwall.conf"
daemon_start wall "$work/finwall.conf" -S "$work/state"
hook up -c "$work/finwall.conf"
ns_bg server "$peer" listen 7300-7302 10.3.0.2 >"$work/listen3.log"
wait_until grep -q ready "$work/listen3.log"
mkfifo "$work/say3"
exec 9<>"$work/say3"
ns client "$peer" connect 7300-7302 10.3.0.2 <"$work/say3" >"$work/connect3.log" &
wait_until grep -q ready "$work/connect3.log"
ns wall conntrack -L 2>/dev/null | grep -q 'dport=730' && fail "the kernel tracks already"
daemon_end
: >"$work/daemon.log"
conf on on accept >"$work/finwall.conf"
daemon_start wall "$work/finwall.conf" -S "$work/state"
hook up -c "$work/finwall.conf"
echo "send 7300" >&9
wait_until grep -q "data .* 7300" "$work/listen3.log"
echo "fin 7301" >&9
wait_until grep -q "eof .* 7301" "$work/listen3.log"
echo "rst 7302" >&9
wait_until grep -q "reset .* 7302" "$work/listen3.log"
wait_until stat_is_above older 2
echo "send 7300" >&9
ns client "$peer" short 10.3.0.2 7000 10 >"$work/short.log" || fail "short connections"
wait_until stat_is_above same 50
[ "$(stat different)" = 0 ] || fail "a connection older than the comparison is a difference"
ns wall conntrack -D -p tcp --dport 7300 >/dev/null 2>&1 || fail "conntrack -D: not picked up"
echo "send 7300" >&9
wait_until stat_is_above different 0
daemon_end
