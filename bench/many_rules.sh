#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# many_rules.sh BUILD_DIR [CONNECTIONS]: 5 600 rules in 1 900 chains, as a node of Kubernetes has them: the
# time that conversion and loading take, and what a new connection costs through a router with these
# rules, with the kernel's and with finwall's, to the first of the pods and to the last. Needs root.
FINWALL_BIN=$1/bin
export FINWALL_BIN
connections=${2:-3000}
here=$(dirname "$0")
# shellcheck source=tests/support/netns.sh
. "$here/../tests/support/netns.sh"

netns_begin iptables-restore iptables awk
sock=$work/finwall.sock
topo_gateway client router inner
awk -v pods=620 -f "$here/../tests/support/kube_save.awk" /dev/null >"$work/save"

now_us() {
	echo $(($(date +%s%N) / 1000))
}
# takes WHAT COMMAND...: prints the best of five times
takes() {
	what=$1
	shift
	best=
	for _ in 1 2 3 4 5; do
		from=$(now_us)
		"$@" || fail "$what"
		took=$(($(now_us) - from))
		[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
	done
	printf '%-34s %6d us\n' "$what" "$best"
}
convert() {
	"$bin/finwall" import-iptables "$work/save" >"$work/rules" 2>"$work/notes"
}
load() {
	"$bin/finwalld" -n -c "$work/rules" >/dev/null
}
takes 'conversion' convert
takes 'loading (finwalld -n)' load
{
	echo 'settings { queue { count 1 } hook { fast-path off } }'
	cat "$work/rules"
} >"$work/finwall.conf"

# The first pod and the last one: 10.244.0.0 is no address of a host.
for pod in 10.244.0.1 10.244.19.11; do
	ip -n "$ns_tag-inner" addr add "$pod/32" dev eth0
done
ip -n "$ns_tag-router" route add 10.244.0.0/16 via 10.3.0.2
ns_bg inner "$peer" serve 10.244.0.1 8080
ns_bg inner "$peer" serve 10.244.19.11 8080
wait_until ns_listens inner 8080

# measure WHAT: the time of a connection, a byte each way and the closes, to each pod
measure() {
	for pod in 10.244.0.1 10.244.19.11; do
		best=
		for _ in 1 2 3; do
			from=$(now_us)
			ns client "$peer" short "$pod" 8080 "$connections" >/dev/null || fail "$1: no connection to $pod"
			took=$((($(now_us) - from) * 10 / connections))
			[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
		done
		printf '%-34s %4d.%d us\n' "$1, $pod" $((best / 10)) $((best % 10))
	done
}
# The kernel's tracker is on in all of them.
ns router iptables -w -A FORWARD -m conntrack --ctstate INVALID
measure 'no rules'
sed -n '/^\*filter/,$p' "$work/save" | ns router iptables-restore
measure "the kernel's rules"
ns router iptables -w -F
ns router iptables -w -X
ns router iptables -w -P FORWARD ACCEPT
printf 'settings { queue { count 1 } hook { fast-path off } }\ntable inet t { chain forward { type filter hook forward priority filter; policy accept; } }\n' >"$work/one.conf"
for config in one finwall; do
	daemon_start router "$work/$config.conf"
	ns router "$bin/finwall" --socket "$sock" hook up -c "$work/$config.conf" >/dev/null
	if [ "$config" = one ]; then measure "finwall, no rules"; else measure "finwall, the same rules"; fi
	ns router "$bin/finwall" --socket "$sock" hook down >/dev/null
	daemon_end
done
