#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two gateways and an engine: connections go on at the other gateway, late closes and asymmetric
# routes pass, commands are for both, and nothing that happens to the engine stops packets.
#
#	cluster.sh failover async|before-accept
#	cluster.sh late|asymmetric|engine|full|sentinel|clocks|reload|commands|strange|keepalived
#	cluster.sh daemon|tls
#	cluster.sh outage [SECONDS RATE]
#
# outage: the engine is killed for so long, and hangs after that, beside RATE new connections a
# second. FINWALL_SLACK_MS: how much longer than replicate-timeout a packet may wait for the
# processor.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cluster.sh
. "$(dirname "$0")/../support/cluster.sh"

netns_begin iptables ip6tables python3 redis-server redis-cli
support=$(dirname "$0")/../support
case $1 in
keepalived | daemon)
	command -v keepalived >/dev/null || skip "needs keepalived"
	cluster_networks
	;;
*) cluster_topology ;;
esac

# begin REPLICATE [SETTING...]: both gateways, run by $begin_gwN if that is set, and the ends.
begin() {
	engine_start
	for gw in 1 2; do
		ns_queue gw$gw FORWARD --queue-num 0
		gateway_config $gw "$@"
		eval "gateway_under=\${begin_gw$gw:-}"
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

# all_heard N: N streams of datagrams from the server, which no datagram of the client opens again,
# go on.
all_heard() {
	tries=0
	command_client heard
	until [ "${answer% *}" = "heard $1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || fail "the client printed \"$answer\", must be \"heard $1\""
		sleep 0.2
		command_client heard
	done
}

failover() {
	begin "$1"
	command_client open 200
	expect "open 200"
	command_client udp 20
	expect "udp 20"
	command_client echo
	expect "echo 200"
	wait_until has_number 2 replicated -eq 220
	has_number 2 own -eq 0 || fail "gw2 has entries of its own"
	kill -KILL "$gw1_pid"
	via client 2
	via server 2
	command_client echo
	expect "echo 200"
	wait_until has_number 2 own -eq 220
	all_heard 20
	# the first one comes back, and receives all
	gateway_start 1
	wait_until has_number 1 replicated -eq 220
	via client 1
	via server 1
	command_client echo
	expect "echo 200"
	all_heard 20
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

full() {
	begin before-accept "snapshot 5s"
	command_client open 50
	expect "open 50"
	wait_until has_number 2 replicated -eq 50
	engine CONFIG SET maxmemory 1
	command_client open 100 5
	expect "open 100"
	command_client echo 5
	expect "echo 150"
	wait_until has_number 1 out.refused -ge 1
	has_number 1 connected -eq 1 || fail "the engine is not full but away"
	has_number 2 replicated -eq 50 || fail "gw2 heard of something"
	gateway 1 cluster | grep -q 'messages were not taken' || fail "finwall cluster does not report it"
	engine CONFIG SET maxmemory 0
	wait_sec=20 wait_until same_entries
	has_number 2 replicated -eq 150 || fail "gw2 has not all"
}

# at_server GW PORT: it is connected to the engine at that port.
at_server() {
	gateway "$1" cluster | grep -q "^engine  *10.3.$1.1:$2: connected"
}

sentinel_fails_over() {
	engine_kind=sentinel
	begin before-accept "snapshot 5s"
	sentinel_start
	command_client open 50
	expect "open 50"
	wait_until has_number 2 replicated -eq 50
	kill -KILL "$engine_pid"
	command_client open 50
	expect "open 50"
	wait_until at_server 1 6380
	wait_until at_server 2 6380
	command_client open 50
	expect "open 50"
	wait_sec=20 wait_until same_entries
	# the old master is a replica now, and becomes the master again by command
	engine_start
	wait_until sentinel_knows 1
	sentinel failover finwall
	wait_until at_server 1 6379
	wait_until at_server 2 6379
	command_client open 50
	expect "open 50"
	command_client echo
	expect "echo 200"
	wait_sec=20 wait_until same_entries
}

# The clocks of the nodes differ by eleven days.
clocks() {
	ns_add probe
	ns probe unshare --time --monotonic 1000000 true 2>/dev/null || skip "no time namespaces"
	# shellcheck disable=SC2034 # read by begin
	begin_gw2="unshare --time --monotonic 1000000 --boottime 1000000"
	begin async "snapshot 5s"
	command_client open 50
	expect "open 50"
	command_client udp 10
	expect "udp 10"
	wait_until has_number 2 replicated -eq 60
	equal_within 10 "the open"
	via client 2
	via server 2
	command_client echo
	expect "echo 50"
	command_client close
	expect "closed 50"
	equal_within 10 "the close"
	# late messages would be counted as such
	has_number 1 lag.max_us -lt 5000000 || fail "the lag of gw2 is wrong"
	has_number 2 lag.max_us -lt 5000000 || fail "the lag of gw1 is wrong"
}

# The engine takes only TLS: by ourselves if it was built with that, or by stunnel.
tls() {
	command -v openssl >/dev/null || skip "needs openssl"
	certificate good
	certificate other
	engine_options="--port 0 --tls-port 6390 --tls-cert-file $work/good.crt
		--tls-key-file $work/good.key --tls-ca-cert-file $work/good.crt --tls-auth-clients no"
	engine_kind=tls
	gateway_config 1 async "tls on; tls-ca $work/good.crt"
	settings="tls on; tls-ca $work/good.crt"
	"$bin/finwalld" --check -c "$work/gw1.conf" 2>"$work/check.txt" || {
		command -v stunnel4 >/dev/null || skip "built without TLS, and no stunnel4"
		engine_kind=stunnel
		settings=
		stunnel_start 1 "$work/good.crt"
		stunnel1_pid=$stunnel_pid
		stunnel_start 2 "$work/good.crt"
	}
	echo "by $engine_kind"
	begin before-accept "$settings"
	command_client open 50
	expect "open 50"
	wait_until has_number 2 replicated -eq 50
	# an engine of another authority
	if [ "$engine_kind" = stunnel ]; then
		kill -KILL "$stunnel1_pid"
		wait_until has_number 1 connected -eq 0
		stunnel_start 1 "$work/other.crt"
		wait_until grep -q 'certificate verify failed' "$work/stunnel1.txt"
	else
		kill -TERM "$gw1_pid"
		wait_until gone "$gw1_pid"
		sed -i 's/good.crt/other.crt/' "$work/gw1.conf"
		gateway_start 1
		wait_until grep -q 'certificate verify failed' "$work/gw1.log"
	fi
	has_number 1 connected -eq 0 || fail "the other engine was taken"
	command_client echo
	expect "echo 50"
}

# What a reload cannot change is reported; what this build does not have is refused.
reloads() {
	begin async
	sed -i -e 's/engine redis.*/engine redis:\/\/10.3.1.1:6379/' -e 's/group test/group other/' \
		-e "s,password-file.*,password-file $work/other," -e 's/node gw1/node gw9/' \
		-e 's/replicate async/replicate before-accept/' \
		-e 's/sets on/sets off; user u; interval 60ms; replicate-timeout 20ms; snapshot 30s/' \
		-e 's/cluster {/&\ntls-ca \/ca; tls-certificate \/certificate; tls-key \/key/' "$work/gw1.conf"
	kill -HUP "$gw1_pid"
	for name in engine group node user password-file interval replicate replicate-timeout snapshot \
		sets tls-ca tls-certificate tls-key; do
		wait_until grep -q "new value of cluster $name takes effect at the next start" \
			"$work/gw1.log"
	done
	has_number 1 connected -eq 1 || fail "the reload changed the connection"
	sed -i 's/cluster {/&\ntls on/' "$work/gw1.conf"
	if "$bin/finwalld" --check -c "$work/gw1.conf" 2>"$work/check.log"; then
		return # with TLS
	fi
	grep -q 'cluster tls is on, but this build has no TLS.* stunnel' "$work/check.log" ||
		fail "the check does not report the reason"
	kill -HUP "$gw1_pid"
	wait_until grep -q 'not loaded, the previous configuration stays in force' "$work/gw1.log"
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
	wait_until has_number 2 nodes.0.refused -ge 3
	command_client echo
	expect "echo 20"
	# the next version
	invalid=$(number 2 nodes.0.invalid)
	refused=$(number 2 nodes.0.refused)
	python3 "$support/next_version.py" "$work/engine.sock" secret 'finwall:{test}:s:gw1'
	# or more: a stream is read again with each snapshot
	wait_until has_number 2 nodes.0.refused -gt "$refused"
	wait_until has_number 2 nodes.0.unknown -ge 1
	has_number 2 nodes.0.invalid -eq "$invalid" || fail "the longer record was not read"
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

# rss GW: resident memory of its daemon in KiB.
rss() {
	eval "awk '\$1 == \"VmRSS:\" { print \$2 }' /proc/\$gw$1_pid/status"
}

# equal_within SECONDS WHAT: the entries of both nodes, with their timeouts.
equal_within() {
	equal_began=$(date +%s%N)
	until entries_with_timeouts 1 >"$work/entries1" && entries_with_timeouts 2 >"$work/entries2" &&
		python3 "$support/same_entries.py" "$work/entries1" "$work/entries2" 2 \
			>"$work/same.txt"; do
		[ $((($(date +%s%N) - equal_began) / 1000000)) -le $(($1 * 1000)) ] || {
			cat "$work/same.txt"
			fail "after $2 the nodes differ for longer than $1 s"
		}
		sleep 0.1
	done
	echo "after $2: equal after $((($(date +%s%N) - ${back:-$equal_began}) / 1000000)) ms: $(cat "$work/same.txt")"
}

# wire_passes WHAT: all hand-made connections are complete, none waited for too long.
wire_passes() {
	status=0
	wait "$wire_pid" || status=$?
	echo "$1: $(cat "$work/wire.json")"
	[ "$status" = 0 ] || fail "$1: segments were lost"
	late_us=$(number 1 held.max_us)
	echo "$1: held at most $late_us us"
	# a bucket of the histogram is 6 % wide
	[ "$late_us" -le $((timeout_ms * 1070 + slack_ms * 1000)) ] ||
		fail "$1: a packet waited longer than its time"
}

outage() {
	seconds=${1:-5}
	rate=${2:-100}
	timeout_ms=10
	slack_ms=${FINWALL_SLACK_MS:-300}
	begin before-accept "snapshot 5s; replicate-timeout ${timeout_ms}ms"
	command_client open 200
	expect "open 200"
	wait_until has_number 2 replicated -eq 200
	# killed
	wire_start "$rate" $((seconds + 600))
	enough() { has_number 1 held.count -ge "$1"; }
	wait_until enough $((rate * 3))
	before=$(rss 1)
	before2=$(rss 2)
	kill -KILL "$engine_pid"
	wait_until has_number 1 connected -eq 0
	end=$(($(date +%s) + seconds))
	# idle connections are closed and opened meanwhile, which the other node cannot know
	command_client close
	expect "closed 200"
	command_client open 300 5
	expect "open 300"
	most=0
	while [ "$(date +%s)" -lt "$end" ]; do
		now=$(rss 1)
		[ "$now" -le "$most" ] || most=$now
		sleep 0.2
	done
	has_number 1 connected -eq 0 || fail "the engine is not away"
	live=$(entries 1 | wc -l)
	echo "memory: $before KiB before, at most $most KiB while the engine was away, $live connections"
	[ "$most" -le $((before + 20480 + live)) ] || fail "memory grew"
	rm -f "$work/engine.sock"
	engine_start
	back=$(date +%s%N)
	wait_until has_number 1 connected -eq 1
	sleep 1
	kill -TERM "$wire_pid"
	wire_passes "killed for $seconds s"
	equal_within $((10 - ($(date +%s%N) - back) / 1000000000)) "the kill"
	echo "memory: $(rss 1) KiB after, of the other node $before2 and $(rss 2) KiB"
	command_client echo
	expect "echo 300"
	# hanging: it takes what is sent, and does not answer
	wire_start "$rate" $((seconds + 600))
	wait_until enough $(($(number 1 held.count) + rate))
	kill -STOP "$engine_pid"
	sleep "$seconds"
	kill -CONT "$engine_pid"
	back=$(date +%s%N)
	wait_until has_number 1 connected -eq 1
	sleep 1
	kill -TERM "$wire_pid"
	wire_passes "hung for $seconds s"
	has_number 1 held.late -ge 1 || fail "no packet waited until its time was over"
	equal_within $((10 - ($(date +%s%N) - back) / 1000000000)) "the hang"
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
	command_client udp 10
	expect "udp 10"
	wait_until has_number 2 replicated -ge 120
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
	all_heard 10
	echo "10 streams of UDP, the longest gap ${answer##* } ms"
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
outage) outage "${2:-}" "${3:-}" ;;
engine) engine_away ;;
full) full ;;
sentinel) sentinel_fails_over ;;
clocks) clocks ;;
reload) reloads ;;
tls) tls ;;
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
