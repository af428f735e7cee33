#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shadow mode beside another firewall: with enforce off the rules of iptables decide; with enforce
# on and renewed hook rules finwall decides; then back.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
hello=$(dirname "$0")/../support/hello.py

netns_begin iptables ip6tables python3
topo_pair client server
for tables in iptables ip6tables; do
	ns server "$tables" -w -A INPUT -p tcp --dport 23 -j DROP
	ns server "$tables" -w -P FORWARD DROP
done
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1; on-absent drop }
	hook { backend iptables }
	connections { enforce off }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 22 drop
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF
ns_bg server python3 "$hello" serve 22 23
wait_until ns_listens server 22
wait_until ns_listens server 23

finwall() {
	ns server "$bin/finwall" --socket "$work/finwall.sock" "$@"
}
hook_up() {
	finwall hook up -c "$work/finwall.conf" >"$work/hook.log" 2>&1 || fail "hook up"
}
# answers PORT: a server replies on both families; fails when only one does.
answers() {
	if ns client python3 "$hello" ask 10.1.0.2 "$1" 2>/dev/null; then
		ns client python3 "$hello" ask fd01::2 "$1" 2>/dev/null || fail "port $1: IPv4 only"
		return 0
	fi
	! ns client python3 "$hello" ask fd01::2 "$1" 2>/dev/null || fail "port $1: IPv6 only"
	return 1
}
# jumps TABLE: the number of jumps to finwall's chains.
jumps() {
	{ ns server iptables -w -t "$1" -S && ns server ip6tables -w -t "$1" -S; } |
		grep -c -- '-j FINWALL_[IFO]' || true
}
# doctor_says LEVEL CHECK
doctor_says() {
	finwall doctor -c "$work/finwall.conf" >"$work/doctor.out" 2>&1 || true
	grep -q "^$1 *$2 " "$work/doctor.out" || fail "no $1 of $2: $(cat "$work/doctor.out")"
}

daemon_start server "$work/finwall.conf"
hook_up
[ "$(jumps filter)-$(jumps mangle)" = 0-4 ] ||
	fail "shadow mode: the hook rules are not in table mangle"
answers 22 || fail "shadow mode: finwall drops"
! answers 23 || fail "shadow mode: finwall accepts what iptables drops"
[ "$(queue_column server 0 8)" -gt 0 ] || fail "no packet is queued"
doctor_says ok hooks
# Packets pass without the daemon too.
daemon_end
answers 22 || fail "shadow mode: packets are dropped without the daemon"
: >"$work/daemon.log"
daemon_start server "$work/finwall.conf"

# In force: finwall alone decides.
sed -i 's/enforce off/enforce on/' "$work/finwall.conf"
finwall reload || fail "reload"
doctor_says warning hooks
! answers 22 || fail "in force: finwall does not drop"
! answers 23 || fail "before hook up: iptables does not drop"
hook_up
[ "$(jumps filter)-$(jumps mangle)" = 4-0 ] ||
	fail "in force: the hook rules are not in table filter"
! answers 22 || fail "in force: finwall does not drop"
answers 23 || fail "in force: rules behind finwall's decide"
doctor_says ok hooks

# And back.
sed -i 's/enforce on/enforce off/' "$work/finwall.conf"
finwall reload || fail "reload"
doctor_says problem hooks
hook_up
[ "$(jumps filter)-$(jumps mangle)" = 0-4 ] ||
	fail "shadow mode again: the hook rules are not in table mangle"
answers 22 || fail "shadow mode again: finwall drops"
! answers 23 || fail "shadow mode again: finwall accepts what iptables drops"
finwall hook down >"$work/hook.log" || fail "hook down"
[ "$(jumps filter)-$(jumps mangle)" = 0-0 ] || fail "hook down leaves rules"
ns server iptables-save | grep FINWALL && fail "hook down leaves chains"
daemon_end
