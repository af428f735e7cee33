#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A configuration with chains of the kernel: finwall hook loads them with nft, renews them with a
# reload, removes them, and changes no table of others. Translated connections pass finwall's rules
# as they pass the kernel's: DNAT, masquerade, redirect, hairpin.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

netns_begin iptables ip6tables nft socat ss
sock=$work/finwall.sock
topo_gateway client server inner # finwall is on the router, which cli.sh calls server

ns server nft -c 'add table ip t; add chain ip t c { type nat hook prerouting priority 0; }; add rule ip t c dnat to 10.3.0.2' ||
	skip "no address translation in nf_tables"

# The file as a person has it for nft; the settings are in another one.
cat >"$work/rules.nft" <<-'NFT'
	#!/usr/sbin/nft -f
	flush ruleset
	define inside = east
	define web = 10.3.0.2

	table ip nat {
		set published {
			type inet_service
			elements = { 80, 443 }
		}
		# before routing
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept;
			ip daddr { 10.2.0.254, 10.3.0.254 } tcp dport @published dnat to $web:8080
			iifname "west" tcp dport 81 redirect to :8081
		}
		chain postrouting {
			type nat hook postrouting priority srcnat; policy accept;
			oifname $inside masquerade
		}
	}
	table inet filter {
		set bad {
			type ipv4_addr
			elements = { 192.0.2.1 }
		}
		chain no_bad {
			ip saddr @bad drop
		}
		chain early {
			type filter hook prerouting priority raw; policy accept;
			jump no_bad
		}
		chain input {
			type filter hook input priority filter; policy drop;
			ct state established,related accept
			meta l4proto ipv6-icmp accept
			jump no_bad
			tcp dport 8081 accept
		}
		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state established,related accept
			ip daddr $web tcp dport 8080 accept
		}
	}
	table bridge guard {
		chain forward {
			type filter hook forward priority filter; policy accept;
			meta protocol arp accept
		}
	}
NFT
settings='settings { queue { num 3; count 1; on-absent accept } hook { backend iptables } }'
{
	echo "$settings"
	cat "$work/rules.nft"
} >"$work/finwall.conf"

"$bin/finwalld" -n -c "$work/finwall.conf" >"$work/out" || fail "refused: $(cat "$work/out")"
out_has ': 3 chains judged here, 5 handed to the kernel$'

# What is in the kernel, without the mark of finwall.
tables() {
	ns "$1" nft list ruleset | sed '/^\tcomment "finwall kernel part /d'
}
# What nft itself makes of the file, without the chains that finwall judges.
ns client nft -f "$work/rules.nft"
for chain in input forward; do
	ns client nft delete chain inet filter "$chain"
done
tables client >"$work/wanted"
ns client nft flush ruleset

# Tables of others stay as they are.
ns server nft -f - <<-'NFT'
	table inet others {
		comment "of others"
		counter c {
			packets 5 bytes 6
		}
	}
NFT
# only_others, has_part: finwall's tables are gone; they are there, and the others too
only_others() {
	[ "$(tables server | grep -c ^table)" = 1 ] && tables server | grep -q 'packets 5 bytes 6'
}
has_part() {
	ns server nft list table inet others >"$work/others" && grep -q 'packets 5' "$work/others" &&
		tables server | sed '/^table inet others/,/^}/d; /^# Warning/d; /^table ip6\{0,1\} filter/,/^}/d; /^table ip6\{0,1\} mangle/,/^}/d' |
		diff -u "$work/wanted" - >"$work/difference"
}

daemon_start server "$work/finwall.conf"
ends 0 hook print
out_has '^table bridge guard [{]$'
out_has 'redirect to :8081'
only_others || fail "hook print changed something"
ends 0 hook up
out_has "the kernel's part: 3 tables loaded"
has_part || fail "not as nft loads it: $(cat "$work/difference")"
ends 0 hook up
out_has "the kernel's part: 3 tables as before"

# The set that both sides use is changed on both by a command, and by a reload back to the file's.
in_copy() {
	ns server nft list set inet filter bad | grep -q "elements = { $1 }"
}
ends 0 set add bad 192.0.2.7
in_copy '192.0.2.1, 192.0.2.7' || fail "the kernel's copy did not get an element"
ends 0 set delete bad 192.0.2.1
in_copy 192.0.2.7 || fail "the kernel's copy kept an element"
ns server nft delete element inet filter bad '{ 192.0.2.7 }'
ends 0 set delete bad 192.0.2.7
ends 0 set add bad 192.0.2.8
in_copy 192.0.2.8 || fail "a copy that others have changed is not made equal"
ends 0 hook down
ends 0 hook up
in_copy 192.0.2.8 || fail "hook up loads the elements of the file"
ends 0 reload
in_copy 192.0.2.1 || fail "a reload leaves the elements of commands in the kernel's copy"
has_part || fail "changes of the set left something behind: $(cat "$work/difference")"

# Others delete it: the daemon's log and doctor report it, and hook up loads it again.
missing='table ip nat of the configuration is not in the kernel'
! log_has "$missing" || fail "missed before it was gone"
ns server nft delete table ip nat
wait_until log_has "$missing; finwall hook up loads it"
finwall doctor || true
out_has "$missing"
finwall stats -o json
out_has '"fault": "kernel-part"|"fault":"kernel-part"'
ends 0 hook up
has_part || fail "not loaded again: $(cat "$work/difference")"
wait_until log_has 'the hook rules are installed'

# Connections through it. Each server prints the address that it sees.
for port in 8080 9090; do
	# shellcheck disable=SC2016 # socat's variable
	ns_bg inner socat "TCP-LISTEN:$port,fork,reuseaddr" 'SYSTEM:echo inner $SOCAT_PEERADDR'
	wait_until ns_listens inner "$port"
done
# shellcheck disable=SC2016
ns_bg server socat TCP-LISTEN:8081,fork,reuseaddr 'SYSTEM:echo router $SOCAT_PEERADDR'
wait_until ns_listens server 8081
# reads NAME ADDRESS PORT TEXT
reads() {
	got=$(ns "$1" socat -T 3 - "TCP:$2:$3,connect-timeout=3" </dev/null 2>/dev/null || true)
	[ "$got" = "$4" ] || fail "$1 to $2 port $3: \"$got\", not \"$4\""
}
reads client 10.2.0.254 80 'inner 10.3.0.254'
reads client 10.2.0.254 443 'inner 10.3.0.254'
reads client 10.2.0.254 81 'router 10.2.0.1'
reads inner 10.3.0.254 80 'inner 10.3.0.254' # hairpin
reads client 10.3.0.2 9090 ''

# A reload that changes the part: the rules follow with hook watch, and what is gone is removed.
ns_bg server "$bin/finwall" --socket "$sock" hook watch >"$work/watch.out" 2>"$work/watch.log"
watch_pid=$bg_pid
wait_until grep -q 'tables as before' "$work/watch.out"
sed -i '/^table bridge/,$d; s/redirect to :8081/redirect to :8082/' "$work/finwall.conf"
ends 0 reload
changed() {
	ns server nft list table ip nat | grep -q 'redirect to :8082' &&
		! ns server nft list table bridge guard
}
wait_until changed
ns server nft list table inet others >"$work/others" || fail "a table of others is gone"

# Others delete only the part, or flush all: it comes back with the hook rules.
ns server nft delete table ip nat
wait_until changed
ns server nft flush ruleset
ns server iptables -w -F
wait_until changed
grep -q 'hook: table ip nat of the configuration is not in the kernel' "$work/watch.log" ||
	fail "no message about the table"
grep -q 'hook: ' "$work/watch.log" || fail "no message"
kill -TERM "$watch_pid"
wait "$watch_pid" || fail "hook watch ended with $?"
! ns server nft list table ip nat >/dev/null 2>&1 || fail "hook watch left the part behind"

# A table that others have made with this name stays, with a message; the hook rules are installed.
ns server nft add table ip nat
ends 0 hook up
err_has 'table ip nat is there already'
wait_until log_has "table ip nat in the kernel is not finwall's"
[ "$(ns server nft list table ip nat | wc -l)" = 2 ] || fail "a table of others was changed"
ns server iptables -w -C INPUT -j FINWALL_INPUT || fail "no hook rules"
ns server nft delete table ip nat
ends 0 hook up
changed || fail "not loaded once the table was gone"

# Rules that the kernel refuses: nothing changes.
ns server nft list ruleset >"$work/before"
sed 's/num 3/num 3/; s/dnat to $web:8080/dnat to $web:8080 nonsense/' "$work/finwall.conf" >"$work/wrong.conf"
ends 1 hook up --force -c "$work/wrong.conf"
err_has 'nft failed'
err_has 'nonsense'
ns server nft list ruleset | diff -u "$work/before" - >&2 || fail "a refused part changed something"

ends 0 hook down
! ns server nft list table ip nat >/dev/null 2>&1 || fail "hook down left the part behind"
! ns server nft list table inet filter >/dev/null 2>&1 || fail "hook down left the part behind"
daemon_end
