#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The entry of the kernel's tracker that the kernel attaches to queued packets (NFQA_CT). Skipped where
# the kernel cannot (CONFIG_NETFILTER_NETLINK_GLUE_CT).
#
#   compare-kernel, without marks: the hook rules here are written by hand and mark nothing
#   ct original, ct reply, ct status: the addresses and ports before the kernel's translation
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin nft conntrack python3
topo_gateway client wall server
ns wall nft -c 'add table ip t; add chain ip t c { type nat hook prerouting priority 0; }; add rule ip t c dnat to 10.3.0.2' 2>/dev/null ||
	skip "no address translation in nf_tables"
printf 'table inet t {\n chain c {\n queue to 1\n }\n}\n' | ns wall nft -c -f - 2>/dev/null ||
	skip "no nft queue statement"

finwall() {
	ns wall "$bin/finwall" --socket "$work/finwall.sock" "$@"
}
# stat WHAT: the number of packets with this result of the comparison, or of all.
stat() {
	finwall stats -o json | python3 -c 'import json, sys
compare = json.load(sys.stdin)["compare"]
numbers = {r["name"]: r["count"] for r in compare["results"]}
numbers["all"] = sum(p["packets"] for p in compare["states"])
print(numbers[sys.argv[1]])' "$1"
}
is_above() {
	[ "$(stat "$1")" -gt "$2" ]
}

# exchange NAMESPACE ADDRESS PORT SECONDS [TIMES]: so many lines and their answers.
exchange() {
	ns "$1" python3 - "$2" "$3" "$4" "${5:-3}" <<'PY' 2>>"$work/exchange.log"
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3]))
for i in range(int(sys.argv[4])):
    s.sendall(b"?")
    if s.recv(1) != b"?":
        sys.exit("no answer")
s.close()
PY
}
serve=$(dirname "$0")/../support/serve_tcp.py
ns_bg server python3 "$serve" 10.3.0.2 80 81 >"$work/serve.log"
ns_bg client python3 "$serve" 10.2.0.1 90 91 >"$work/serve2.log"
wait_until grep -q ready "$work/serve.log"
wait_until grep -q ready "$work/serve2.log"

# The states that the kernel attaches, and no mark.
cat >"$work/compare.conf" <<'CONF'
settings {
	queue { num 3; count 2; on-absent drop }
	hook { backend nft; compare-kernel on }
	connections { late-close strict; on-idle forget; resurrect off }
	state { import-kernel off }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
CONF
daemon_start wall "$work/compare.conf"
ns wall nft -f - <<'NFT'
table inet by_hand {
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state new counter
		queue to symhash mod 2 offset 3
	}
}
NFT
for i in 1 2 3 4 5; do
	exchange client 10.3.0.2 80 60 20 || fail "compared connection $i: $(cat "$work/exchange.log")"
done
ns_ping client 10.3.0.2 || fail "no echo"
if ! is_above same 0 && [ "$(stat untold)" = "$(stat all)" ]; then
	! ns wall "$bin/finwall" doctor 2>/dev/null | grep -q 'ok *ct-glue' ||
		fail "the kernel can attach its entry, and did not"
	skip "the kernel attaches no entry"
fi
[ "$(stat untold) $(stat different)" = "0 0" ] ||
	fail "untold $(stat untold), different $(stat different) of $(stat all)"
is_above same 200 || fail "only $(stat same) packets were compared"
echo "$(stat same) packets with the state that the kernel attached: the same"

# The kernel loses its entry in the middle of a connection.
ns client python3 - <<PY || fail "the connection without the kernel's entry"
import socket, subprocess
s = socket.create_connection(("10.3.0.2", 81), timeout=60)
s.sendall(b"?")
s.recv(1)
subprocess.run(["ip", "netns", "exec", "$ns_tag-wall", "conntrack", "-D", "-p", "tcp", "--dport", "81"],
               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
s.sendall(b"?")
s.recv(1)
PY
wait_until is_above different 0
log_has 'compare: finwall=established kernel=new .* DPT=81 ' || fail "the difference is not in the log"
ns wall nft delete table inet by_hand
daemon_end

# The addresses and ports before translation. The web server is reached by its published address and
# port only, and the server's connections pass if the kernel masquerades them.
cat >"$work/nat.conf" <<'CONF'
settings {
	queue { num 3; count 2; on-absent drop }
	hook { backend nft }
	connections { late-close strict; on-idle forget; resurrect off }
	state { import-kernel off }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established ct original ip saddr 10.2.0.1 accept
		ct state established ct reply ip daddr 10.2.0.254 accept
		iifname "east" tcp dport { 90, 91 } ct state new accept
		ct original ip daddr 10.2.0.254 meta l4proto tcp ct original proto-dst 8080 ct status dnat ct state new accept
	}
}
CONF
ns wall nft -f - <<'NFT'
table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "west" ip daddr 10.2.0.254 tcp dport { 8080, 8081 } dnat to 10.3.0.2:80
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "west" tcp dport 90 masquerade
	}
}
NFT
: >"$work/daemon.log"
daemon_start wall "$work/nat.conf"
finwall hook up -c "$work/nat.conf" >"$work/hook.log" 2>&1 || fail "hook up"
grep -q 'nft queue statement' "$work/hook.log" || fail "hook does not use the queue statement"
exchange client 10.2.0.254 8080 60 || fail "the published port: $(cat "$work/exchange.log")"
! exchange client 10.3.0.2 80 5 || fail "the server's own address passes"
! exchange client 10.2.0.254 8081 5 || fail "another published port passes"
exchange server 10.2.0.1 90 60 || fail "masqueraded: $(cat "$work/exchange.log")"
! exchange server 10.2.0.1 91 5 || fail "not masqueraded, and passes"
finwall list >"$work/list.log"
finwall hook down >>"$work/hook.log" 2>&1 || fail "hook down"
daemon_end
