#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# live.sh: real connections over loopback, captured by tcpdump while the kernel's tracker evaluates
# the same packets. The policy `strict` must have the kernel's numbers, and `remembered` must save the
# connections that hang there. Needs root, tcpdump and iptables.

# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
netns_begin tcpdump iptables ip6tables sysctl
peer=$bin/../tests/peer

ns_add host
ns host sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=1 2>/dev/null ||
	skip "no connection tracking in this kernel"
for tables in iptables ip6tables; do
	for state in INVALID NEW ESTABLISHED; do
		ns host $tables -A OUTPUT -p tcp -m conntrack --ctstate $state -j ACCEPT
	done
done

# counted STATE: TCP packets with that state in the kernel, both families
counted() {
	for tables in iptables ip6tables; do
		ns host $tables -nvxL OUTPUT
	done | awk -v state="$1" '$0 ~ "ctstate " state "( |$)" { sum += $1 } END { print sum + 0 }'
}

# evaluated STATE: the same under the policy strict
evaluated() {
	awk -v state="$1" '$1 == "by" { part = $2 } part == "state" && $1 == state { n = $2 }
		END { print n + 0 }' "$work/report"
}

wrote() {
	grep -q "$2" "$work/$1"
}

# in immediate mode each buffer slot has the snapshot length, so a short one gives many slots
ns_bg host tcpdump -U --immediate-mode -s 256 -i lo -w "$work/lo.pcap" tcp 2>"$work/dump"
dump=$bg_pid
wait_until wrote dump 'listening on'

mkfifo "$work/commands"
exec 9<>"$work/commands"
ns_bg host "$peer" listen 7001-7006 127.0.0.1 ::1 </dev/null >"$work/server"
wait_until wrote server ready
# not by ns_bg: a background process of a function has no standard input
ip netns exec "$ns_tag-host" "$peer" connect 7001-7006 127.0.0.1 ::1 <"$work/commands" \
	>"$work/client" &
bg_pids="$bg_pids $!"
wait_until wrote client ready
commands_sent=0
is_done() {
	[ "$(grep -c '^done' "$work/client")" = "$commands_sent" ]
}
send_command() {
	echo "$*" >&9
	commands_sent=$((commands_sent + 1))
	wait_until is_done
}
send_command send 7001-7006
send_command fin 7001
send_command rst 7002
# idle for longer than the timeout of 1 s; there is no event to poll for
sleep 2.5
send_command fin 7003
send_command rst 7004
send_command send 7005
send_command fin 7005
send_command fin 7006
wait_until wrote server 'eof ::1 7006'

# the file has all packets that the kernel has counted
whole() {
	[ "$(tcpdump -r "$work/lo.pcap" 2>/dev/null | wc -l)" = \
		$(($(counted INVALID) + $(counted NEW) + $(counted ESTABLISHED))) ]
}
wait_until whole
kill "$dump"
wait_until gone "$dump"

"$bin/finwall" replay --timeout tcp.established=1s "$work/lo.pcap" >"$work/report" ||
	fail "finwall replay"
for state in INVALID NEW ESTABLISHED; do
	ours=$(evaluated "$(echo $state | tr '[:upper:]' '[:lower:]')")
	kernels=$(counted $state)
	[ "$ours" = "$kernels" ] || {
		cat "$work/report"
		fail "$state: the kernel counted $kernels, strict $ours"
	}
done
[ "$(counted INVALID)" -ge 6 ] || fail "the kernel has no late close"

# ports 7003, 7004 and 7006, in both families; 7005 sent data before it closed
grep -Eq '^ +closed late +6 +6 +6$' "$work/report" || { cat "$work/report"; fail "not 6 closed late"; }
grep -Eq '^ +saved +0 +6 +6$' "$work/report" || { cat "$work/report"; fail "not 6 saved"; }
grep -Eq '^ +hung +6 +0 +0$' "$work/report" || { cat "$work/report"; fail "not 6 hung"; }
