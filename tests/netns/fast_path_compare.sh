#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel fast path beside the kernel's tracker: bulk traffic, short connections, datagrams with
# replies and pings. Each packet in the queue has the same state in both, and connections that the
# fast path has opened, used and closed have the state that conntrack(8) lists.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin iptables ip6tables conntrack python3 ss
topo_gateway client wall server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1 }
	hook { fast-path on; compare-kernel on }
	connections { late-close strict; on-idle forget; resurrect off }
	state { import-kernel off }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
CONF

# stat NAME...: these counters of the comparison.
stat() {
	"$bin/finwall" --socket "$work/finwall.sock" stats -o json |
		python3 -c 'import json, sys
compare = json.load(sys.stdin)["compare"]
numbers = {r["name"]: r["count"] for r in compare["results"]}
numbers["all"] = sum(p["packets"] for p in compare["states"])
print(*[numbers[name] for name in sys.argv[1:]])' "$@"
}
# A worker may have counted its latest packet in one of the two counters only.
all_are_same() {
	read -r same all <<-NUMBERS
		$(stat same all)
	NUMBERS
	[ "$same" = "$all" ]
}
# states: port, state and whether it is ASSURED, of each connection to ports 7100 and up.
kernel_states() {
	ns wall conntrack -L -p tcp 2>/dev/null |
		sed -n 's/^tcp *6 [0-9]* \([A-Z_0-9]*\) .* dport=\(71[0-9]*\) src.*/\2 \1 &/p' |
		awk '{ print $1, $2, /\[ASSURED\]/ ? "assured" : "-" }' | sort
}
our_states() {
	"$bin/finwall" --socket "$work/finwall.sock" list -o json | python3 -c 'import json, sys
text = sys.stdin.read().strip()
flows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
for f in flows:
    port = f["original"].get("destination_port", 0)
    if 7100 <= port < 7200:
        print(port, f["state"], "assured" if f["assured"] else "-")' | sort
}
states_are_equal() {
	kernel_states >"$work/kernel.states"
	our_states >"$work/our.states"
	[ "$(wc -l <"$work/our.states")" = "$1" ] && cmp -s "$work/kernel.states" "$work/our.states"
}

datagrams=$(dirname "$0")/../support/datagrams.py

fast_path_begin
daemon_start wall "$work/finwall.conf"
fast_path_up wall
ns_bg server python3 "$datagrams" answer >"$work/answer.log"
wait_until grep -q ready "$work/answer.log"
for server in 10.3.0.2 fd03::2; do
	ns_bg server "$peer" serve "$server" 7000 >"$work/serve.log"
	wait_until grep -q ready "$work/serve.log"
	ns client "$peer" short "$server" 7000 1000 >"$work/short.log" || fail "short connections"
	ns client "$peer" bulk "$server" 7000 200 >"$work/bulk.log" || fail "bulk transfer"
	ns client python3 "$datagrams" "$server" 20 || fail "datagrams"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ns_ping client "$server" || fail "no echo $i from $server"
	done
done
wait_until all_are_same
[ "$(stat different)" = 0 ] || fail "the kernel's tracker gives other states"
[ "$(fast_path_packets)" -gt 10000 ] || fail "only $(fast_path_packets) packets took the fast path"
[ "$(stat same)" -gt 2000 ] || fail "only $(stat same) packets were compared"
echo "$(fast_path_packets) packets took the fast path, $(stat same) in the queue have the same state"

# Connections in several states.
ns_bg server "$peer" listen 7100-7108 10.3.0.2 >"$work/listen.log"
wait_until grep -q ready "$work/listen.log"
mkfifo "$work/say"
exec 9<>"$work/say" # for reading too, so that opening does not wait for the other end
ns client "$peer" connect 7100-7108 10.3.0.2 <"$work/say" >"$work/connect.log" &
wait_until grep -q ready "$work/connect.log"
wait_until states_are_equal 9
for port in 7101 7102 7103; do
	echo "send $port" >&9
	wait_until grep -q "data .* $port" "$work/listen.log"
done
for port in 7102 7104; do
	echo "fin $port" >&9
	wait_until grep -q "eof .* $port" "$work/listen.log"
done
echo "rst 7105" >&9
wait_until grep -q "reset .* 7105" "$work/listen.log"
wait_until states_are_equal 9
cat "$work/our.states"
wait_until all_are_same
[ "$(stat different)" = 0 ] || fail "the kernel's tracker gives other states"
daemon_end
