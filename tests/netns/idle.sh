#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The idle policies probe and reset with real sockets, on a host that also queues its loopback
# device, and on a gateway. The process that sends the segments: its privileges, its restart, its
# end.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin ip ss iptables ip6tables python3
python3 -c 'import ctypes; ctypes.CDLL(None).setns' 2>/dev/null || skip "needs setns in Python"

topo_pair hclient hserver
topo_gateway gclient router gserver

cat >"$work/idle.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	hook { loopback on }
	connections { max 4096; remember-max 4096; probe-interval 1s; probe-count 2 }
	tcp { timeout established 2s }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related,untracked accept
		ct state new tcp dport 7001-7004 tcp flags & (fin|syn|rst|ack) == syn accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related,untracked accept
		ct state new tcp dport 7001-7004 tcp flags & (fin|syn|rst|ack) == syn accept
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related,untracked accept
	}
	chain idle {
		type close hook idle; policy probe;
		tcp dport 7004 reset
	}
}
CONF
for bed in hserver router; do
	mkdir "$work/$bed"
	daemon_start "$bed" "$work/idle.conf" -s "$work/$bed/finwall.sock"
	eval "daemon_$bed=$daemon_pid"
	mv "$work/daemon.log" "$work/$bed.log"
	ns "$bed" "$bin/finwall" --socket "$work/$bed/finwall.sock" hook up -c "$work/idle.conf" \
		>/dev/null
done

python3 "$(dirname "$0")/idle.py" "$ns_tag" "$work" "$bin" || fail "the table differs"

# sender_of PID: the process ID of the daemon's raw sender.
sender_of() {
	grep -l '^Name:.finwall-raw$' /proc/[0-9]*/status 2>/dev/null |
		xargs awk -v parent="$1" '$1 == "Pid:" { pid = $2 } $1 == "PPid:" && $2 == parent { print pid }'
}
stats_have() {
	ns router "$bin/finwall" --socket "$work/router/finwall.sock" stats | grep -q "$1"
}

# It has no capability and no other descriptors, with sanitizers too.
# shellcheck disable=SC2154 # set by eval
sender=$(sender_of "$daemon_router")
[ -n "$sender" ] || fail "no sender"
for want in CapEff:0000000000000000 CapPrm:0000000000000000 CapInh:0000000000000000 \
	NoNewPrivs:1 Seccomp:2; do
	have=$(awk -v name="${want%%:*}:" '$1 == name { print $2 }' "/proc/$sender/status")
	[ "$have" = "${want#*:}" ] || fail "sender: ${want%%:*} is $have"
done
[ "$(find "/proc/$sender/fd" -type l | wc -l)" = 5 ] || fail "sender: not 5 descriptors"
echo "sender: no capability, seccomp filter, 5 descriptors"

# After SIGKILL the daemon starts another one, which resets the next idle connection.
kill -KILL "$sender"
wait_until grep -q 'raw packet sender exited (signal 9)' "$work/router.log"
wait_until grep -q 'raw packet sender restarted' "$work/router.log"
wait_until stats_have 'raw sender running, 1 restarts'
python3 "$(dirname "$0")/idle.py" "$ns_tag" "$work" "$bin" again ||
	fail "no reset by the new sender"

# It ends when the daemon ends or is killed.
sender=$(sender_of "$daemon_router")
kill -KILL "$daemon_router"
wait_until gone "$daemon_router"
wait_until gone "$sender"
echo "sender: ends when the daemon is killed"
# shellcheck disable=SC2154 # set by eval
sender=$(sender_of "$daemon_hserver")
daemon_pid=$daemon_hserver
daemon_end
wait_until gone "$sender"
echo "sender: ends when the daemon ends"
