#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hook rules and the running daemon: hook up installs what the daemon enforces, whatever a file has;
# reload prints what is not in force yet; a daemon that starts with other queues than the installed
# hook rules reads those too, so that no packet waits for nobody.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

netns_begin iptables ip6tables socat ss
topo_pair client server
sock=$work/finwall.sock

# config FILE QUEUES HOOK...
config() {
	config_file=$1
	echo "settings { queue { num 3; count $2 } hook { backend iptables } }" >"$config_file"
	shift 2
	echo "table inet filter {" >>"$config_file"
	for hook in "$@"; do
		echo "chain $hook { type filter hook $hook priority filter; policy accept; }" \
			>>"$config_file"
	done
	echo "}" >>"$config_file"
}
jumps() {
	ns server iptables -w -S | sed -n 's/^-A \([A-Z]*\) -j FINWALL_.*/\1/p' | sort | tr '\n' ' '
}
is_hooked() {
	[ "$(jumps)" = "$1" ] || fail "hooked: $(jumps), not $1"
}
# queues: the queues of the hook rules of INPUT.
queues() {
	ns server iptables -w -S FINWALL_INPUT | sed -n 's/.*--queue-num \([0-9]*\).*/\1/p' | tr '\n' ' '
}
# connections: eight connections from different ports are answered.
connections() {
	for i in 1 2 3 4 5 6 7 8; do
		[ "$(ns client socat -T 3 - TCP:10.1.0.2:7000,connect-timeout=3 </dev/null)" = hello ] ||
			fail "connection $i is not answered"
	done
}
ns_bg server socat TCP-LISTEN:7000,fork,reuseaddr 'SYSTEM:echo hello'
wait_until ns_listens server 7000

config "$work/finwall.conf" 4 input
config "$work/other.conf" 4 forward
daemon_start server "$work/finwall.conf"
ends 1 hook up -c "$work/other.conf"
err_has 'the running daemon enforces another configuration \(the chains input and output\)'
is_hooked ""
ends 0 hook up
is_hooked "INPUT OUTPUT "
[ "$(queues)" = "3 4 5 6 " ] || fail "queues: $(queues)"
ends 0 hook up -c "$work/finwall.conf"
ends 1 hook up -c "$work/other.conf"
is_hooked "INPUT OUTPUT "
ends 0 hook up --force -c "$work/other.conf"
is_hooked "FORWARD "
ends 0 hook up
is_hooked "INPUT OUTPUT "
connections

# The reply of a reload has what is not in force.
config "$work/finwall.conf" 4 input forward
sed -i 's/count 4/count 4; length 1000/; s/backend iptables/backend iptables; admin-port 22/' "$work/finwall.conf"
ends 1 doctor -c "$work/finwall.conf"
out_has 'warning +hooks +the running daemon enforces another configuration'
ends 0 reload
err_has 'warning: new value of queue length takes effect at the next start'
err_has 'warning: new value of hook admin-port takes effect at the next finwall hook up'
err_has 'warning: no hook rule queues packets of IPv4 forward, IPv6 forward; finwall hook up'
log_has 'new value of queue length takes effect at the next start' || fail "not in the log"
ends 0 hook up
ends 0 reload
! grep -q 'no hook rule' "$work/err" || fail "a warning without a cause: $(cat "$work/err")"
daemon_end

# Fewer queues, with the old hook rules.
config "$work/finwall.conf" 1 input
ends 3 stats
: >"$work/daemon.log"
daemon_start server "$work/finwall.conf"
log_has 'the hook rules use 3 queues that the configuration has not' || fail "not logged"
connections
ends 0 doctor -c "$work/finwall.conf"
out_has 'warning +hooks +the hook rules use the queues 3-6, the configuration 3-3'
ends 0 hook up
is_hooked "INPUT OUTPUT "
ns server iptables -w -S FINWALL_INPUT | grep -q -- '--queue-num 3$' || fail "queues after hook up"
connections
ends 0 doctor -c "$work/finwall.conf"
out_has 'ok +hooks'
daemon_end

# Other numbers, more queues; and without a difference no further queue.
config "$work/finwall.conf" 2 input
sed -i 's/num 3/num 10/' "$work/finwall.conf"
daemon_start server "$work/finwall.conf"
connections
queue_exists server 3 || fail "queue 3 of the hook rules is not read"
ends 0 hook up
daemon_end
: >"$work/daemon.log"
daemon_start server "$work/finwall.conf"
connections
! queue_exists server 3 || fail "queue 3 is read without need"
daemon_end

# finwalld & finwall hook up: up waits for a daemon that is being started.
ends 0 hook down
config "$work/finwall.conf" 1 input
ends 1 hook up -c "$work/finwall.conf"
err_has 'no daemon answers on'
: >"$work/daemon.log"
ns_bg server sh -c "sleep 1; exec '$bin/finwalld' -c '$work/finwall.conf' -s '$sock' -S none" \
	2>>"$work/daemon.log"
daemon_pid=$bg_pid
ends 0 hook up -c "$work/finwall.conf"
is_hooked "INPUT OUTPUT "
! grep -q 'no daemon answers now' "$work/out" || fail "up did not wait: $(cat "$work/out")"
daemon_end

# The same with a configuration that only the daemon knows. A relative path is in its own directory.
ends 0 hook down
: >"$work/daemon.log"
ns_bg server sh -c "sleep 1; cd '$work'; exec '$bin/finwalld' -c finwall.conf -s '$sock' -S none" \
	2>>"$work/daemon.log"
daemon_pid=$bg_pid
ends 0 hook up
is_hooked "INPUT OUTPUT "
ends 0 doctor
out_has 'ok +hooks'
out_has 'ok +config'
daemon_end
