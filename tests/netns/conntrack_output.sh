#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall list --output conntrack beside conntrack -L, which tracks the same packets in the same
# namespace, with counters: line by line equal but for ids. The times left may differ by two seconds.
# Programs that read conntrack(8) give the same result: those of munin, and netstat-nat, if they are
# installed.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 conntrack
here=$(dirname "$0")
topo_pair client server
sock=$work/finwall.sock
accepting_config >"$work/finwall.conf" <<'END'
	queue { num 7; count 2 }
	hook { compare-kernel on }
	connections { accounting on }
END
ns server sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1 \
	2>/dev/null || skip "no counters in this kernel's tracker"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
daemon_start server "$work/finwall.conf"
ends 0 hook up -c "$work/finwall.conf"

ns_bg server python3 "$here/conntrack_output.py" serve >"$work/serve.log" 2>&1
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$here/conntrack_output.py" connect >"$work/connect.log" 2>&1
wait_until grep -q ready "$work/connect.log"

same() { # same KERNEL-OPTIONS FINWALL-OPTIONS: compares both until they are equal
	kernel_options=$1
	finwall_options=$2
	wait_sec=20 wait_until is_same
}
is_same() {
	for family in ipv4 ipv6; do
		# shellcheck disable=SC2086 # several options
		ns server conntrack -L -f "$family" $kernel_options 2>/dev/null || return 1
	done >"$work/kernel"
	# shellcheck disable=SC2086
	finwall list $finwall_options || return 1
	python3 "$here/conntrack_output.py" compare "$work/kernel" "$work/out" >"$work/compare.log"
}
same '' '--output conntrack'
same '-o extended' '-o extended'
same '-o extended,id,timestamp' '-o extended,id,timestamp'
same '-o extended,ktimestamp' '--output conntrack,extended,ktimestamp'
[ "$(wc -l <"$work/out")" -ge 8 ] || fail "too few connections: $(cat "$work/out")"
grep -q '\[start=' "$work/out" || fail "no start"
ends 2 list -o json,id
ends 2 list -o extended,
ends 0 get -o extended tcp 10.1.0.1:40000 10.1.0.2:7000
out_has '^ipv4     2 tcp      6 .* packets=[0-9]+ bytes=[0-9]+ .* delta-time='
ends 0 list --sort bytes --limit 1 --output json
python3 -c 'import json, sys
c, = json.load(open(sys.argv[1]))
assert c["original"]["bytes"] > 100000 and c["age_ms"] >= c["idle_ms"], c' "$work/out"

# Other programs, with a conntrack(8) that is finwall, in a mount namespace.
cat >"$work/conntrack" <<END
#!/bin/sh
# conntrack -L -o extended [-f ipv4|ipv6]
family=
for arg; do
	case \$arg in
	ipv4 | ipv6) family=\$arg ;;
	esac
done
"$bin/finwall" --socket "$sock" list -o extended | grep "^\$family"
END
chmod +x "$work/conntrack"
"$work/conntrack" -L >"$work/proc"
for plugin in fw_conntrack fw_forwarded_local; do
	file=/usr/share/munin/plugins/$plugin
	[ -r "$file" ] || continue
	ns server perl "$file" >"$work/kernel.munin"
	ns server unshare -m sh -c "mount --bind '$work/conntrack' /usr/sbin/conntrack && perl $file" \
		>"$work/finwall.munin"
	cmp "$work/kernel.munin" "$work/finwall.munin" ||
		fail "$plugin: $(diff "$work/kernel.munin" "$work/finwall.munin")"
	echo "$plugin: $(tr '\n' ' ' <"$work/finwall.munin")"
done
if command -v netstat-nat >/dev/null && ns server test -r /proc/net/nf_conntrack; then
	ns server netstat-nat -n -L >"$work/kernel.nat"
	ns server unshare -m sh -c "mount --bind '$work/proc' /proc/net/nf_conntrack && netstat-nat -n -L" \
		>"$work/finwall.nat"
	cmp "$work/kernel.nat" "$work/finwall.nat" ||
		fail "netstat-nat: $(diff "$work/kernel.nat" "$work/finwall.nat")"
	echo "netstat-nat: $(wc -l <"$work/finwall.nat") lines"
fi
daemon_end
