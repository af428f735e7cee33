#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall events --output conntrack beside conntrack -E of the same traffic: line by line equal but
# for ids. Deletions by command have the kernel's note of who deleted.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables conntrack python3 ss
topo_gateway client wall server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 4; count 1 }
	hook { backend iptables }
	connections { late-close strict; on-idle forget; resurrect off }
	state { import-kernel off }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
CONF
# the kernel tracks what is forwarded, as finwall does; neighbour discovery is not forwarded
for tables in iptables ip6tables; do
	ns wall "$tables" -w -A FORWARD -m conntrack --ctstate INVALID
	ns wall "$tables" -w -A FORWARD -j NFQUEUE --queue-num 4 || skip "no NFQUEUE target"
done
daemon_start wall "$work/finwall.conf"

ns_bg wall conntrack -E >"$work/kernel" 2>"$work/conntrack.err"
kernel_pid=$bg_pid
"$bin/finwall" --socket "$work/finwall.sock" events --output conntrack >"$work/ours" \
	2>"$work/events.err" &
bg_pids="$bg_pids $!"
listens() {
	"$bin/finwall" --socket "$work/finwall.sock" stats | grep -q '^event readers 1,'
}
wait_until listens
# A ping shows that both readers get events; it comes first in both.
both_see() {
	ns client ping -c 1 -W 1 10.3.0.2 >/dev/null 2>&1 || true
	grep -q '\[NEW\]' "$work/kernel" && grep -q '\[NEW\]' "$work/ours"
}
wait_until both_see
ns wall conntrack -F >/dev/null 2>&1
"$bin/finwall" --socket "$work/finwall.sock" flush >/dev/null
both_end() {
	grep -q '\[DESTROY\]' "$work/kernel" && grep -q '\[DESTROY\]' "$work/ours"
}
wait_until both_end
lines_before_kernel=$(wc -l <"$work/kernel")
lines_before_ours=$(wc -l <"$work/ours")

ns_bg server python3 "$(dirname "$0")/events_traffic.py" serve
wait_until ns_listens server 7000
ns client python3 "$(dirname "$0")/events_traffic.py" 10.3.0.2 || fail "traffic"
ns client python3 "$(dirname "$0")/events_traffic.py" fd03::2 || fail "traffic, IPv6"
ns client ping -c 1 -W 2 10.3.0.2 >/dev/null || fail "no ping"
# a host that does not answer
ns client python3 "$(dirname "$0")/events_traffic.py" silent 10.3.0.77 || fail "silent traffic"

# The last traffic is a datagram to port 7777.
both_have_all() {
	grep -q 'dport=7777' "$work/kernel" && grep -q 'dport=7777' "$work/ours"
}
wait_until both_have_all
ns wall conntrack -D -p udp --orig-port-dst 7777 >/dev/null 2>&1
"$bin/finwall" --socket "$work/finwall.sock" delete --proto udp --dport 7777 >/dev/null
both_deleted() {
	grep -q 'DESTROY.*dport=7777' "$work/kernel" && grep -q 'DESTROY.*dport=7777' "$work/ours"
}
wait_until both_deleted

# Equal line by line, but for who deleted. The kernel prints its event when the packet leaves, after
# finwall's verdict, so a second of the time left may be over by then.
python3 - "$work/kernel" "$lines_before_kernel" "$work/ours" "$lines_before_ours" <<'COMPARE' ||
import re, sys

def lines(path, begin):
    for line in open(path).read().splitlines()[int(begin):]:
        if not line.startswith("conntrack v"):
            yield re.sub(r" \[USERSPACE\].*", "", line)

def parts(line):
    """The line without the time left, and that."""
    found = re.match(r"(.*\] \w+ +\d+ )(\d+) (.*)", line)
    return (found[1] + found[3], int(found[2])) if found else (line, 0)

kernel, ours = list(lines(*sys.argv[1:3])), list(lines(*sys.argv[3:5]))
for k, o in zip(kernel, ours):
    (k_rest, k_left), (o_rest, o_left) = parts(k), parts(o)
    # two commands delete one after the other
    later = 1 if "DESTROY" in o else 0
    if k_rest != o_rest or not k_left - later <= o_left <= k_left + 1:
        sys.exit(f"kernel: {k}\nours:   {o}")
if len(kernel) != len(ours) or len(ours) < 40:
    sys.exit(f"{len(kernel)} lines of the kernel, {len(ours)} of finwall")
print(f"{len(ours)} lines are equal")
COMPARE
	fail "other events than conntrack -E has"
tail -n "+$((lines_before_ours + 1))" "$work/ours" >"$work/ours.plain"
for what in '\[NEW\] tcp' '\[UPDATE\] tcp .*\[ASSURED\]' '\[DESTROY\] tcp .* CLOSE' '\[UPDATE\] udp' \
	'\[NEW\] icmp ' 'fd03::2' 'TIME_WAIT' 'LAST_ACK' 'CLOSE_WAIT'; do
	grep -q -- "$what" "$work/ours.plain" || fail "no line with $what"
done
[ ! -s "$work/events.err" ] || fail "$(cat "$work/events.err")"

# The same in text and JSON, with what conntrack has no place for.
kill -TERM "$kernel_pid"
"$bin/finwall" --socket "$work/finwall.sock" events new --output json --dport 7000 >"$work/json" &
bg_pids="$bg_pids $!"
"$bin/finwall" --socket "$work/finwall.sock" events destroy new --dport 7001 >"$work/text" &
bg_pids="$bg_pids $!"
all_listen() {
	"$bin/finwall" --socket "$work/finwall.sock" stats | grep -q '^event readers 3,'
}
wait_until all_listen
ns client python3 "$(dirname "$0")/events_traffic.py" 10.3.0.2 || fail "traffic again"
has_all() {
	grep -q DESTROY "$work/text" && [ -s "$work/json" ]
}
wait_until has_all
grep -q 'DESTROY.*dport=7001.* end=closed rule="' "$work/text" || fail "$(cat "$work/text")"
grep -q 'NEW.*dport=7001.* rule="inet finwall forward [^"]*finwall.conf:9"$' "$work/text" ||
	fail "no rule: $(cat "$work/text")"
! grep -q 'dport=7000' "$work/text" || fail "the filter passes others"
python3 - "$work/json" <<'CHECK' || fail "JSON: $(cat "$work/json")"
import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)["event"]
    assert event["type"] == "new", event
    assert event["connection"]["original"]["destination_port"] == 7000, event
    assert event["policy_chain"]["chain"] == "forward" and event["policy_chain"]["line"] == 9
CHECK

# A reader with a low rate gets the number of those that were left out.
"$bin/finwall" --socket "$work/finwall.sock" events new --rate 1 >"$work/few" 2>"$work/few.err" &
bg_pids="$bg_pids $!"
four_listen() {
	"$bin/finwall" --socket "$work/finwall.sock" stats | grep -q '^event readers 4,'
}
wait_until four_listen
told_left_out() {
	ns client python3 "$(dirname "$0")/events_traffic.py" 10.3.0.2 >/dev/null 2>&1
	grep -q 'events left out' "$work/few.err"
}
wait_until told_left_out
daemon_end
