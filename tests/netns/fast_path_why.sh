#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Connections that are leased beside some that stay in the queue: list, get, stats and doctor name
# the reason, the direction and the rule.
# shellcheck source=tests/support/fast_path.sh
. "$(dirname "$0")/../support/fast_path.sh"

netns_begin iptables ip6tables ss python3
topo_gateway client wall server
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 3; count 1 }
	hook { fast-path on }
	connections { max 4096; remember-max 4096 }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		tcp dport 7001 counter accept
		tcp sport 7002 limit rate 100000/second burst 1000 packets accept
		ip protocol icmp accept
		meta l4proto ipv6-icmp accept
		accept
	}
}
CONF
fw() {
	"$bin/finwall" --socket "$work/finwall.sock" "$@"
}

fast_path_begin
daemon_start wall "$work/finwall.conf"
fast_path_up wall
for port in 7000 7001 7002; do
	ns_bg server "$peer" serve 10.3.0.2 $port >"$work/serve.$port"
	wait_until grep -q ready "$work/serve.$port"
	ns_bg client "$peer" steady 10.3.0.2 $port 1 >"$work/steady.$port"
done
ns client ping -c 1 -W 5 10.3.0.2 >/dev/null || fail "ping"

# Reason and direction of each connection, as JSON has them.
fw_reasons() {
	fw list --output json | python3 -c 'import json, sys
text = sys.stdin.read().strip()
flows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
for f in flows:
    q = f.get("queued", {})
    if f["family"] == "ipv4":
        print(f["original"].get("destination_port", 0), q.get("reason", "-"),
              q.get("direction", "-"), q.get("rule", {}).get("line", 0))' | sort
}
cat >"$work/expected" <<'END'
0 protocol - 0
7000 - - 0
7001 counter original 9
7002 limit reply 10
END
are_as_expected() {
	fw_reasons >"$work/reasons"
	cmp -s "$work/reasons" "$work/expected"
}
wait_until are_as_expected
fw list >"$work/list.txt" || fail "list"
grep -q ':7000 .* leased in ' "$work/list.txt" || fail "list: 7000: $(cat "$work/list.txt")"
grep -q ':7001 .* leased original-queued:counter in ' "$work/list.txt" || fail "list: 7001"
grep -q ':7002 .* leased reply-queued:limit in ' "$work/list.txt" || fail "list: 7002"
fw list --sort age --output json >"$work/sorted.json" || fail "list --sort"
grep -q '"reason": *"counter"' "$work/sorted.json" || fail "list --sort: $(cat "$work/sorted.json")"

fw stats >"$work/stats.txt" || fail "stats"
grep -q '^kernel fast path: queued: 1 connection, counter, original, inet finwall forward .*:9$' \
	"$work/stats.txt" || fail "stats: $(grep 'fast path' "$work/stats.txt")"
grep -q '^kernel fast path: queued: 1 connection, limit, reply, inet finwall forward .*:10$' \
	"$work/stats.txt" || fail "stats: $(grep 'fast path' "$work/stats.txt")"
grep -q '^kernel fast path: queued: 1 connection, protocol$' "$work/stats.txt" || fail "stats: ping"
fw stats --output json | python3 -c 'import json, sys
queued = json.load(sys.stdin)["fast_path"]["queued"]
assert {q["reason"] for q in queued} >= {"counter", "limit", "protocol"}, queued' || fail "stats -o json"
ns wall "$bin/finwall" --socket "$work/finwall.sock" doctor --config "$work/finwall.conf" \
	>"$work/doctor.txt" 2>&1 || true
grep -q 'in the queue: 1 connection, counter, original, inet finwall forward .*:9' \
	"$work/doctor.txt" || fail "doctor: $(cat "$work/doctor.txt")"

# Of a transfer whose replies are queued the data is not.
passed_bytes() {
	fw stats --output json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["fast_path"]["bytes"])'
}
before=$(passed_bytes)
ns client "$peer" bulk 10.3.0.2 7002 50 >"$work/bulk.log" || fail "bulk transfer"
passed=$(($(passed_bytes) - before))
[ "$passed" -gt 49000000 ] || fail "only $passed bytes of 50 MB took the fast path"

# Without rules that need the queue nothing is left but what is neither TCP nor UDP, or closed.
sed -i '/counter accept/d; /limit rate/d' "$work/finwall.conf"
fw reload >"$work/reload.log" 2>&1 || fail "reload: $(cat "$work/reload.log")"
is_only_protocol() {
	fw stats | grep 'fast path: queued' | grep -v -E ', (protocol|closed)$' | grep -c . | grep -q '^0$'
}
wait_until is_only_protocol
daemon_end
