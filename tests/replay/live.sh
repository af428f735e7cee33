#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# live.sh: real connections over loopback, captured by tcpdump while the kernel's own tracker judges
# the same packets. The lane `strict` must come to the kernel's numbers, `remembered` must save
# what hangs there. Needs root, tcpdump and iptables.

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

# counted STATE: TCP packets that the kernel judged so, both families
counted() {
	for tables in iptables ip6tables; do
		ns host $tables -nvxL OUTPUT
	done | awk -v state="$1" '$0 ~ "ctstate " state "( |$)" { sum += $1 } END { print sum + 0 }'
}

# judged STATE: likewise, by the lane strict
judged() {
	awk -v state="$1" '$1 == "by" { part = $2 } part == "state" && $1 == state { n = $2 }
		END { print n + 0 }' "$work/said"
}

wrote() {
	grep -q "$2" "$work/$1"
}

# in its immediate mode each place in the buffer has room for a longest packet: short ones, or few
ns_bg host tcpdump -U --immediate-mode -s 256 -i lo -w "$work/lo.pcap" tcp 2>"$work/dump"
dump=$bg_pid
wait_until wrote dump 'listening on'

mkfifo "$work/commands"
exec 9<>"$work/commands"
ns_bg host "$peer" listen 7001-7006 127.0.0.1 ::1 </dev/null >"$work/server"
wait_until wrote server ready
# not by ns_bg: what a function starts in the background reads nothing
ip netns exec "$ns_tag-host" "$peer" connect 7001-7006 127.0.0.1 ::1 <"$work/commands" \
	>"$work/client" &
bg_pids="$bg_pids $!"
wait_until wrote client ready
told=0
heeded() {
	[ "$(grep -c '^done' "$work/client")" = "$told" ]
}
tell() {
	echo "$*" >&9
	told=$((told + 1))
	wait_until heeded
}
tell say 7001-7006
tell fin 7001
tell rst 7002
# the one thing that cannot be polled: silence, beyond the timeout of 1 s
sleep 2.5
tell fin 7003
tell rst 7004
tell say 7005
tell fin 7005
tell fin 7006
wait_until wrote server 'eof ::1 7006'

# all that the kernel has counted is in the file
whole() {
	[ "$(tcpdump -r "$work/lo.pcap" 2>/dev/null | wc -l)" = \
		$(($(counted INVALID) + $(counted NEW) + $(counted ESTABLISHED))) ]
}
wait_until whole
kill "$dump"
wait_until gone "$dump"

"$bin/finwall" replay --timeout tcp.established=1s "$work/lo.pcap" >"$work/said" ||
	fail "finwall replay"
for state in INVALID NEW ESTABLISHED; do
	ours=$(judged "$(echo $state | tr '[:upper:]' '[:lower:]')")
	kernels=$(counted $state)
	[ "$ours" = "$kernels" ] || {
		cat "$work/said"
		fail "$state: the kernel counted $kernels, strict $ours"
	}
done
[ "$(counted INVALID)" -ge 6 ] || fail "the kernel found nothing late"

# ports 7003, 7004 and 7006, in both families; 7005 spoke before it closed
grep -Eq '^ +closed late +6 +6 +6$' "$work/said" || { cat "$work/said"; fail "not 6 closed late"; }
grep -Eq '^ +saved +0 +6 +6$' "$work/said" || { cat "$work/said"; fail "not 6 saved"; }
grep -Eq '^ +hung +6 +0 +0$' "$work/said" || { cat "$work/said"; fail "not 6 hung"; }
