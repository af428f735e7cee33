#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two gateways and an engine: connections go on at the other gateway, late closes and asymmetric
# routes pass, commands are for both, and nothing that happens to the engine stops packets.
#
#	cluster.sh failover async|before-accept
#	cluster.sh late|asymmetric|engine|commands|strange|keepalived|daemon
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cluster.sh
. "$(dirname "$0")/../support/cluster.sh"

netns_begin iptables ip6tables python3 redis-server redis-cli
case $1 in
keepalived | daemon)
	command -v keepalived >/dev/null || skip "needs keepalived"
	cluster_networks
	;;
*) cluster_topology ;;
esac

# begin REPLICATE [SETTING...]: both gateways, and the ends.
begin() {
	engine_start
	for gw in 1 2; do
		ns_queue gw$gw FORWARD --queue-num 0
		gateway_config $gw "$@"
		gateway_start $gw
	done
	grep -q 'made without hiredis' "$work"/gw*.log && skip "built without hiredis"
	wait_until has_number 1 connected -eq 1
	wait_until has_number 2 nodes.0.alive -eq 1
	wait_until has_number 1 nodes.0.alive -eq 1
	server_start
	client_start
}

# expect ANSWER: the client's answer begins so.
expect() {
	case $answer in
	"$1"*) ;;
	*) fail "the client printed \"$answer\", must be \"$1\"" ;;
	esac
}

failover() {
	begin "$1"
	command_client open 200
	expect "open 200"
	command_client echo
	expect "echo 200"
	wait_until has_number 2 replicated -eq 200
	has_number 2 own -eq 0 || fail "gw2 has entries of its own"
	kill -KILL "$gw1_pid"
	via client 2
	via server 2
	command_client echo
	expect "echo 200"
	wait_until has_number 2 own -eq 200
	# the first one comes back, and receives all
	gateway_start 1
	wait_until has_number 1 replicated -eq 200
	via client 1
	via server 1
	command_client echo
	expect "echo 200"
	command_client close
	expect "closed 200"
	wait_until same_entries
}

late() {
	# shellcheck disable=SC2034 # read by gateway_config
	established=4s
	begin async
	command_client open 50
	expect "open 50"
	expired_there() { [ "$(gateway "$1" list --expired | grep -c ESTABLISHED)" -eq 50 ]; }
	wait_until expired_there 1
	wait_until expired_there 2
	kill -KILL "$gw1_pid"
	via client 2
	via server 2
	command_client close
	expect "closed 50"
}

asymmetric() {
	begin before-accept "replicate-timeout 500ms"
	via server 2
	command_client open 300
	expect "open 300"
	command_client echo
	expect "echo 300"
	command_client close
	expect "closed 300"
	has_number 1 held.count -ge 300 || fail "no packet waited"
	has_number 1 held.late -eq 0 || fail "packets waited until their time was over"
	# and without waiting none of the first packets' answers could pass
	has_number 2 held.count -ge 300 || fail "no answer waited"
}

engine_away() {
	begin before-accept "snapshot 5s"
	command_client open 50
	expect "open 50"
	wait_until has_number 2 replicated -eq 50
	kill -KILL "$engine_pid"
	wait_until has_number 1 connected -eq 0
	command_client echo 5
	expect "echo 50"
	# nobody waits for an engine that is away, and what ends meanwhile is not reported
	command_client close
	expect "closed 50"
	command_client open 100 5
	expect "open 100"
	has_number 2 replicated -eq 50 || fail "gw2 heard of something"
	rm -f "$work/engine.sock"
	engine_start
	wait_sec=20 wait_until has_number 1 connected -eq 1
	wait_sec=20 wait_until has_number 2 connected -eq 1
	wait_sec=20 wait_until same_entries
	command_client echo
	expect "echo 100"
	# an engine that hangs: no packet waits for longer than its time
	kill -STOP "$engine_pid"
	command_client open 50 5
	expect "open 50"
	wait_until grep -q 'packets do not wait for it\|no answer' "$work/gw1.log"
	command_client open 50 5
	expect "open 50"
	kill -CONT "$engine_pid"
	wait_until has_number 1 connected -eq 1
	wait_sec=20 wait_until same_entries
}

commands() {
	begin async
	command_client open 30
	expect "open 30"
	wait_until has_number 2 replicated -eq 30
	port=$(entries 1 | sed -n '1s/.*src=10.9.0.1 dst=10.9.0.2 sport=\([0-9]*\) .*/\1/p')
	gateway 1 delete tcp "10.9.0.1:$port" 10.9.0.2:7000
	wait_until has_number 2 replicated -eq 29
	gateway 1 set add banned 192.0.2.7
	has_element() { gateway 2 set list banned | grep -q 192.0.2.7; }
	wait_until has_element
	gateway 2 set delete banned 192.0.2.7
	lacks_element() { ! gateway 1 set list banned | grep -q 192.0.2.7; }
	wait_until lacks_element
	gateway 1 flush
	wait_until has_number 2 replicated -eq 0
	# the text for people
	gateway 2 cluster >"$work/text"
	grep -q '^node gw2 of group test' "$work/text" || fail "no such line"
	grep -q '^gw1  *alive' "$work/text" || fail "gw1 is not listed"
}

strange() {
	begin async "snapshot 5s"
	command_client open 20
	expect "open 20"
	wait_until has_number 2 replicated -eq 20
	# entries that are none of ours, in every place
	engine XADD 'finwall:{test}:s:gw1' '*' d nonsense
	engine XADD 'finwall:{test}:s:gw1' '*' e ''
	engine XADD 'finwall:{test}:s:gw1' '*' d "$(head -c 3000 /dev/urandom | tr -d '\0')"
	engine HSET 'finwall:{test}:nodes' bad/name x good nonsense third \
		'9 0123456789abcdef 3 1 7 0 5 99999999999999'
	engine RPUSH 'finwall:{test}:c:third:1' nonsense
	wait_until has_number 2 nodes.0.refused -ge 2
	command_client echo
	expect "echo 20"
	# the other node's keys are gone
	engine DEL 'finwall:{test}:s:gw2' 'finwall:{test}:c:gw1:0' 'finwall:{test}:c:gw1:1'
	command_client open 20
	expect "open 20"
	wait_until has_number 2 replicated -eq 40
	# of another type: every command about it fails
	engine DEL 'finwall:{test}:s:gw1'
	engine SET 'finwall:{test}:s:gw1' text
	command_client open 20
	expect "open 20"
	wait_until has_number 1 out.refused -ge 1
	engine DEL 'finwall:{test}:s:gw1'
	wait_until same_entries
	# a third process with the name of one
	cp "$work/gw2.conf" "$work/gw3.conf"
	sed -i 's/node gw2/node gw1/' "$work/gw3.conf"
	ns_add gw3
	ns_bg gw3 "$bin/finwalld" -c "$work/gw3.conf" -s "$work/gw3.sock" -S none 2>>"$work/gw3.log"
	wait_until has_number 1 duplicates -ge 1
	wait_until grep -q 'another node of group test is called gw1' "$work/gw1.log"
	command_client echo
	expect "echo 60"
}

# with_keepalived gateway|daemon: the first gateway, or only its daemon, is gone.
with_keepalived() {
	begin before-accept
	keepalived_start 1 100
	first_pid=$keepalived_pid
	wait_until has_addresses 1
	keepalived_start 2 50
	command_client open 100
	expect "open 100"
	command_client busy 10
	wait_until has_number 2 replicated -ge 110
	if [ "$1" = gateway ]; then
		ip -n "$ns_tag-gw1" link set lan0 down
		ip -n "$ns_tag-gw1" link set wan0 down
		kill -KILL "$first_pid"
	fi
	kill -KILL "$gw1_pid"
	wait_until has_addresses 2
	command_client calm
	expect "calm 10"
	echo "110 connections, the longest gap ${answer##* } ms"
	command_client echo
	expect "echo 100"
	command_client close
	expect "closed 100"
}

case $1 in
keepalived) with_keepalived gateway ;;
daemon) with_keepalived daemon ;;
failover) failover "$2" ;;
late) late ;;
asymmetric) asymmetric ;;
engine) engine_away ;;
commands) commands ;;
strange) strange ;;
esac
for gw in 1 2; do
	eval "pid=\$gw${gw}_pid"
	gone "$pid" && continue
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 0 ] || fail "finwalld of gw$gw exited with $status"
done
