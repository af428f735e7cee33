# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For tests with real packets: private network namespaces, processes in them, polling.
#
#	. "$(dirname "$0")/../support/netns.sh"
#	netns_begin ip iptables          # exits 77 without root or one of these programs
#	topo_pair client server          # or topo_gateway client router server
#	ns_bg server socat ...           # its process ID is $bg_pid
#	wait_until ns_listens server 5201
#	ns client ping -c1 10.1.0.2 || fail "no ping"
#
# Names of namespaces are unique to the running test. Namespaces and processes are removed when the
# test ends; after SIGKILL the next test removes them. No test sleeps for a fixed time: wait_until
# polls. The test's files are in $work. FINWALL_BIN is the folder of finwalld and finwall;
# tests/peer is beside it.

set -eu

bin=${FINWALL_BIN:-$(dirname "$0")/../../build/dev/bin}
peer=$bin/../tests/peer

# Ends the test.
fail() {
	echo "FAIL: $*" >&2
	for log in "$work"/*.log; do
		[ -s "$log" ] || continue
		echo "--- $(basename "$log")" >&2
		tail -n 30 "$log" >&2
	done
	exit 1
}

skip() {
	echo "SKIP: $*" >&2
	exit 77
}

# netns_begin [PROGRAM...]: begins a test; skips it without root or one of the programs.
netns_begin() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	for program in ip "$@"; do
		command -v "$program" >/dev/null || skip "needs $program"
	done
	ns_tag=fw$$
	ns_names=
	bg_pids=
	work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-test.XXXXXX")
	trap netns_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	trap 'exit 141' PIPE
	sweep_stale
	ip netns add "$ns_tag-probe" 2>/dev/null || skip "cannot make network namespaces"
	ip netns exec "$ns_tag-probe" true 2>/dev/null || {
		ip netns del "$ns_tag-probe"
		skip "cannot enter network namespaces: / is no mount point (a chroot?)"
	}
	ip netns del "$ns_tag-probe"
}

# sweep_stale: removes the namespaces of tests that were killed: the process ID in the name is gone.
sweep_stale() {
	ip netns list | sed -n 's/^\(fw\([0-9]*\)-[^ ]*\).*/\2 \1/p' | while read -r stale_pid stale_name; do
		[ ! -e "/proc/$stale_pid" ] || continue
		ip netns pids "$stale_name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
		ip netns del "$stale_name" 2>/dev/null || true
	done
}

# netns_end [STATUS]: ends all processes, removes all namespaces, and exits, by default with $?.
netns_end() {
	status=${1:-$?}
	trap - EXIT
	trap '' INT TERM HUP PIPE # a second signal must not stop the clean-up
	# Reports of sanitizers are in the logs.
	if [ "$status" = 0 ] && grep -qs 'Sanitizer\|runtime error' "$work"/*.log; then
		cat "$work"/*.log >&2
		status=1
	fi
	for pid in $bg_pids; do # or process groups: -PID
		kill -KILL "$pid" 2>/dev/null || true
	done
	for name in $ns_names; do
		# also processes of subshells, which are not in bg_pids
		ip netns pids "$ns_tag-$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
		ip netns del "$ns_tag-$name" 2>/dev/null || true
	done
	rm -rf "$work"
	exit "$status"
}

# ns_add NAME: a namespace with loopback up; nothing when the test has it already. Duplicate address
# detection is off: it makes a new link's own address unusable for a second or two. Every process
# may send pings.
ns_add() {
	case " $ns_names " in
	*" $1 "*) return ;;
	esac
	ip netns add "$ns_tag-$1"
	ns_names="$ns_names $1"
	ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv4.ping_group_range="0 2147483647"
	ns "$1" ip link set lo up
}

# ns NAME COMMAND...: runs a command in a namespace.
ns() {
	ns_name=$1
	shift
	ip netns exec "$ns_tag-$ns_name" "$@"
}

# ns_link A IFACE ADDR4 ADDR6 B IFACE ADDR4 ADDR6: a veth pair between two namespaces; - for no
# address.
ns_link() {
	ip -n "$ns_tag-$1" link add "$2" type veth peer name "$6" netns "$ns_tag-$5"
	ns_address "$1" "$2" "$3" "$4"
	ns_address "$5" "$6" "$7" "$8"
}

ns_address() {
	[ "$3" = - ] || ip -n "$ns_tag-$1" addr add "$3" dev "$2"
	[ "$4" = - ] || ip -n "$ns_tag-$1" addr add "$4" dev "$2" nodad
	ip -n "$ns_tag-$1" link set "$2" up
}

# ns_router NAME: the namespace forwards.
ns_router() {
	ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# topo_pair CLIENT SERVER: two hosts and a link between them.
#
#	CLIENT eth0                eth0 SERVER
#	   10.1.0.1 ---------- 10.1.0.2
#	    fd01::1             fd01::2
topo_pair() {
	ns_add "$1"
	ns_add "$2"
	ns_link "$1" eth0 10.1.0.1/24 fd01::1/64 "$2" eth0 10.1.0.2/24 fd01::2/64
}

# topo_gateway CLIENT ROUTER SERVER: two hosts and a router between them.
#
#	CLIENT eth0       west ROUTER east         eth0 SERVER
#	   10.2.0.1 --- 10.2.0.254  10.3.0.254 --- 10.3.0.2
#	    fd02::1      fd02::fe    fd03::fe       fd03::2
topo_gateway() {
	ns_add "$1"
	ns_add "$2"
	ns_add "$3"
	ns_link "$1" eth0 10.2.0.1/24 fd02::1/64 "$2" west 10.2.0.254/24 fd02::fe/64
	ns_link "$3" eth0 10.3.0.2/24 fd03::2/64 "$2" east 10.3.0.254/24 fd03::fe/64
	ns_router "$2"
	ns_default_route "$1" 10.2.0.254 fd02::fe
	ns_default_route "$3" 10.3.0.254 fd03::fe
}

ns_default_route() {
	ip -n "$ns_tag-$1" route add default via "$2"
	ip -n "$ns_tag-$1" -6 route add default via "$3"
}

# ns_bg NAME COMMAND...: runs a command in a namespace, in the background; its process ID is
# $bg_pid.
ns_bg() {
	ns_name=$1
	shift
	ip netns exec "$ns_tag-$ns_name" "$@" &
	bg_pid=$!
	bg_pids="$bg_pids $bg_pid"
}

# wait_until COMMAND...: polls until the command is true; fails after 60 seconds, or $wait_sec.
wait_until() {
	wait_end=$(($(date +%s) + ${wait_sec:-60}))
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$wait_end" ] || fail "timeout: $*"
		sleep 0.05
	done
}

# ns_listens NAME PORT: true when a TCP socket listens there.
ns_listens() {
	ns "$1" ss -Hltn "sport = :$2" | grep -q LISTEN
}

# gone PID: true when the process has ended.
gone() {
	! kill -0 "$1" 2>/dev/null
}

# ns_queue NAME CHAIN TARGET-OPTION...: queues a chain's packets, IPv4 and IPv6, but for those that
# finwall sends (see hookmark.h).
ns_queue() {
	queue_ns=$1
	queue_chain=$2
	shift 2
	for queue_tables in iptables ip6tables; do
		ns "$queue_ns" "$queue_tables" -w -A "$queue_chain" -m mark \
			! --mark 0xa0000000/0xf0000000 -j NFQUEUE "$@" ||
			skip "no NFQUEUE target in $queue_tables"
	done
}

# queue_column NAME QUEUE COLUMN: a value of /proc/net/netfilter/nfnetlink_queue: 2 the netlink port
# of the holder, 3 packets waiting, 6 dropped because the queue was full, 7 dropped because the
# socket was full, 8 packets so far. Empty when the queue does not exist.
queue_column() {
	ns "$1" awk -v q="$2" -v c="$3" '$1 == q { print $c }' /proc/net/netfilter/nfnetlink_queue
}

queue_exists() {
	[ -n "$(queue_column "$1" "$2" 1)" ]
}

# daemon_start NAME CONFIG [OPTION...]: runs finwalld in a namespace, with its log in
# $work/daemon.log. Returns when it is ready; its process ID is $daemon_pid. It has no state file
# unless OPTION is given.
daemon_start() {
	daemon_ns=$1
	daemon_config=$2
	shift 2
	ns_bg "$daemon_ns" "$bin/finwalld" -c "$daemon_config" \
		-s "$work/finwall.sock" -S none "$@" 2>>"$work/daemon.log"
	daemon_pid=$bg_pid
	wait_until daemon_is_ready_or_gone
	! gone "$daemon_pid" || fail "finwalld ended"
}

daemon_is_ready_or_gone() {
	log_has '^finwalld: ready' || gone "$daemon_pid"
}

# queue_is_clean NAME QUEUE: no packet waits, and the kernel dropped none.
queue_is_clean() {
	[ "$(queue_column "$1" "$2" 3) $(queue_column "$1" "$2" 6) $(queue_column "$1" "$2" 7)" = "0 0 0" ]
}

# daemon_rss: its resident memory in KiB.
daemon_rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon_pid/status"
}

# log_has PATTERN: a line of the daemon's log matches.
log_has() {
	grep -Eq -- "$1" "$work/daemon.log"
}

# daemon_end: sends SIGTERM; the exit status must be 0.
daemon_end() {
	kill -TERM "$daemon_pid"
	daemon_status=0
	wait "$daemon_pid" || daemon_status=$?
	[ "$daemon_status" = 0 ] || fail "finwalld exited with $daemon_status"
}

# ns_ping NAME ADDRESS: one echo request is answered within two seconds.
ns_ping() {
	if command -v ping >/dev/null; then
		ns "$1" ping -c 1 -W 2 "$2" >/dev/null
	else
		ns "$1" python3 - "$2" <<-'PING'
			import os, select, socket, struct, sys
			to = sys.argv[1]
			six = ":" in to
			s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM,
			                  socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
			request = struct.pack("!BBHHH", 128 if six else 8, 0, 0, 0, 1) + b"finwall!"
			words = struct.unpack("!8H", request)
			total = sum(words)
			total = (total & 0xffff) + (total >> 16)
			s.sendto(request[:2] + struct.pack("!H", 0xffff & ~total) + request[4:], (to, 0))
			sys.exit(0 if select.select([s], [], [], 2)[0] else 1)
		PING
	fi
}

# accepting_config [ITEM]: prints a configuration whose chains input and output accept every packet; its
# settings are read from the standard input, ITEM is one more item of the table.
accepting_config() {
	printf 'settings {\n'
	cat
	printf '}\ntable inet finwall {\n%s\n' "${1-}"
	for chain in input output; do
		printf '\tchain %s {\n\t\ttype filter hook %s priority filter; policy accept;\n\t}\n' \
			$chain $chain
	done
	printf '}\n'
}
