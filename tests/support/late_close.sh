# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The case that finwall is made for, with real connections: a TCP connection is idle until its entry
# expires in the firewall, then one end closes. Which segments are dropped, and in which states are
# the sockets left?
#
# Sourced by scripts/try.sh, which prints the result, and by tests/netns/late_close.sh, which checks
# it. Both source netns.sh before, and call netns_begin.
#
# A *bed* is a topology with one firewall. All eight ways to close (client or server, FIN or RST,
# IPv4 or IPv6) share a bed and its idle wait, and beds run at the same time.
#
#   host      the closing end, with the firewall --- the other end   INPUT and OUTPUT
#   gateway   client --- router with the firewall --- server         FORWARD
#
# shellcheck disable=SC2154 # bin, peer, work and ns_tag are netns.sh's

LC_IDLE_S=4      # the idle timeout of the firewall
LC_SETTLE_S=60   # how long the sockets may take to reach their final states
LC_STUCK_DROPS=16    # dropped segments of eight closing connections, after which they count as stuck
LC_SCAN_LEN=2000 # segments of a scan, per address family

# One port for each end and way to close, so that the port of a socket identifies its case.
declare -A LC_PORT=([client-FIN]=7001 [client-RST]=7002 [server-FIN]=7003 [server-RST]=7004)
LC_PORTS_CLIENT=7001-7002 # the client closes
LC_PORTS_SERVER=7003-7004 # the server closes

# The current bed. lc_build sets these, and the bed's process inherits them.
declare -A closer=() answerer=() addr4=() addr6=() hold_pid=()

# lc_start NAME TOPOLOGY FIREWALL: starts the case in a bed, in the background; lc_wait waits for
# it. TOPOLOGY: host, gateway; FIREWALL: kernel, strict, remembered, none; restarted and verify
# (policies remembered and verify) lose all state before the closes instead of by the timeout. Writes $work/NAME/result
# with lines
#   scan SENT PASSED DROPPED           lone segments of connections that never existed
#   close CLOSES HOW FAMILY CLOSER-STATE PEER-STATE
#   dropped PACKETS                    of the closing connections
declare -A bed_pid=()
lc_start() {
	bed=$1 firewall=$3
	mkdir "$work/$bed"
	lc_build "$2"
	set -m # a process group of its own, so that all of it can be ended early
	lc_run >"$work/$bed/log" 2>&1 &
	set +m
	bed_pid[$bed]=$!
	bg_pids="$bg_pids -$!"
}

# lc_wait NAME: true when the bed has a result; otherwise prints its log.
lc_wait() {
	if ! wait "${bed_pid[$1]}"; then
		printf '%s: the case could not be carried out:\n' "$1" >&2
		tail -n 40 "$work/$1/log" >&2
		return 1
	fi
}

# lc_expected FIREWALL HOW: the expected states of both ends.
lc_expected() {
	case $1-$2 in
	remembered-FIN | verify-FIN | none-FIN) echo 'TIME-WAIT closed' ;;
	remembered-RST | verify-RST | none-RST) echo 'closed closed' ;;
	*-FIN) echo 'FIN-WAIT-1 ESTAB' ;;
	*-RST) echo 'closed ESTAB' ;;
	esac
}

lc_run() {
	local -x work=$work/$bed
	"lc_up_$firewall"
	lc_connect
	lc_expire
	{
		# before the closes, because stuck sockets retransmit FINs, which would be counted
		lc_scan
		lc_close
		lc_show_sockets
		echo "dropped $(lc_dropped_since)"
		lc_down
	} >"$work/result.new"
	mv "$work/result.new" "$work/result"
}

# --- namespaces: which end closes, and where the firewall is

lc_build() {
	case $1 in
	host)
		topo_pair "$bed-host" "$bed-far"
		fw=$bed-host
		closer=([client]=$bed-host [server]=$bed-host)
		answerer=([client]=$bed-far [server]=$bed-far)
		addr4=([$bed-host]=10.1.0.1 [$bed-far]=10.1.0.2)
		addr6=([$bed-host]=fd01::1 [$bed-far]=fd01::2)
		;;
	gateway)
		topo_gateway "$bed-client" "$bed-router" "$bed-server"
		fw=$bed-router
		closer=([client]=$bed-client [server]=$bed-server)
		answerer=([client]=$bed-server [server]=$bed-client)
		addr4=([$bed-client]=10.2.0.1 [$bed-server]=10.3.0.2)
		addr6=([$bed-client]=fd02::1 [$bed-server]=fd03::2)
		;;
	esac
}

# --- firewalls: lc_up_FIREWALL, and what it tracks and drops

lc_up_none() {
	:
}

# ESTABLISHED, RELATED and permitted NEW packets pass, INVALID ones do not.
lc_up_kernel() {
	local x chain
	for x in iptables ip6tables; do
		for chain in INPUT FORWARD OUTPUT; do
			ns "$fw" "$x" -w -A "$chain" -m conntrack --ctstate INVALID -j DROP
			ns "$fw" "$x" -w -A "$chain" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		done
		for chain in INPUT FORWARD; do
			ns "$fw" "$x" -w -A "$chain" -p tcp --dport 7001:7004 \
				-m conntrack --ctstate NEW -j ACCEPT
			ns "$fw" "$x" -w -P "$chain" DROP
		done
	done
	ns "$fw" ip6tables -w -I INPUT -p ipv6-icmp -j ACCEPT
	ns "$fw" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established="$LC_IDLE_S"
}

lc_up_strict() {
	lc_up_finwall strict
}

lc_up_remembered() {
	lc_up_finwall remembered
}

lc_up_restarted() {
	lc_up_finwall remembered
}

lc_up_verify() {
	lc_up_finwall verify
}

lc_up_finwall() { # lc_up_finwall LATE-POLICY
	local idle_s=$LC_IDLE_S
	case $firewall in
	restarted | verify) idle_s=600 ;; # not by the timeout
	esac
	cat >"$work/finwall.conf" <<-END
		settings {
			queue { count 1 }
			connections { max 4096; remember-max 4096 }
			tcp { timeout established ${idle_s}s }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related accept
				ct state new tcp dport 7001-7004 accept
				meta l4proto ipv6-icmp accept
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state established,related accept
				ct state new tcp dport 7001-7004 accept
			}
			chain output {
				type filter hook output priority filter; policy accept;
				ct state invalid drop
			}
			chain late {
				type close hook late; policy $1;
			}
		}
	END
	daemon_start "$fw" "$work/finwall.conf" -s "$work/finwall.sock"
	lc_finwall hook up -c "$work/finwall.conf" >"$work/hook.log" 2>&1 ||
		fail "finwall hook up does not work"
}

lc_down() {
	case $firewall in
	strict | remembered | restarted | verify)
		lc_finwall hook down
		daemon_end
		;;
	esac
}

lc_finwall() {
	ns "$fw" "$bin/finwall" --socket "$work/finwall.sock" "$@"
}

# The number of the case's connections in the firewall's table.
lc_tracked() {
	local family
	case $firewall in
	none) ;;
	kernel)
		for family in ipv4 ipv6; do
			ns "$fw" conntrack -L -f "$family" -p tcp 2>/dev/null
		done
		;;
	*) lc_finwall list --proto tcp --output conntrack ;;
	esac | grep -c 'dport=700' || true
}

lc_tracks() {
	[[ $(lc_tracked) == "$1" ]]
}

# The number of packets that the firewall dropped as INVALID.
lc_dropped() {
	case $firewall in
	none) ;;
	kernel)
		ns "$fw" iptables -w -vnxL
		ns "$fw" ip6tables -w -vnxL
		;;
	*) lc_finwall stats --all ;;
	esac | awk '
		/ctstate INVALID/ { n += $1 }
		/^(input|forward|output) +invalid/ { n += $4 }
		$1 == "late-answer" { n -= $3 } # replies to probes
		END { print n + 0 }'
}

lc_dropped_since() { # since dropped_before was set
	echo $(($(lc_dropped) - dropped_before))
}

# --- connections

lc_connect() {
	lc_hold client-server "${answerer[client]}" listen "$LC_PORTS_CLIENT" "${answerer[client]}"
	lc_hold server-server "${closer[server]}" listen "$LC_PORTS_SERVER" "${closer[server]}"
	lc_hold client-client "${closer[client]}" connect "$LC_PORTS_CLIENT" "${answerer[client]}"
	lc_hold server-client "${answerer[server]}" connect "$LC_PORTS_SERVER" "${closer[server]}"
	lc_talk client "$LC_PORTS_CLIENT"
	lc_talk server "$LC_PORTS_SERVER"
}

# lc_hold ID NAMESPACE MODE PORTS SERVER: one end of the connections to both addresses of the
# server. It reads commands from a named pipe, which is opened for reading and writing, so that no
# process blocks.
lc_hold() {
	mkfifo "$work/$1.in"
	ip netns exec "$ns_tag-$2" "$peer" "$3" "$4" "${addr4[$5]}" "${addr6[$5]}" \
		<>"$work/$1.in" >"$work/$1.out" 2>&1 &
	hold_pid[$1]=$!
	bg_pids="$bg_pids $!"
	disown
	wait_until grep '^ready' "$work/$1.out"
}

lc_tell() { # lc_tell ID COMMAND...
	echo "${@:2}" 1<>"$work/$1.in"
}

# A byte each way, so that everything is acknowledged when the connections become idle.
lc_talk() {
	lc_tell "$1-client" send "$2"
	wait_until lc_lines 4 '^data' "$work/$1-server.out"
	lc_tell "$1-server" send "$2"
	wait_until lc_lines 4 '^data' "$work/$1-client.out"
}

lc_lines() { # lc_lines NUMBER PATTERN FILE
	[[ $(grep -c "$2" "$3") == "$1" ]]
}

lc_expire() {
	[[ $firewall != none ]] || return 0
	lc_tracks 8 || fail "8 connections, but the firewall knows $(lc_tracked)"
	case $firewall in
	restarted | verify)
		lc_restart
		return
		;;
	esac
	wait_sec=$((LC_IDLE_S + 60)) wait_until lc_tracks 0
}

# The daemon starts again, without saved state.
lc_restart() {
	daemon_end
	mv "$work/daemon.log" "$work/daemon-before.log"
	daemon_start "$fw" "$work/finwall.conf" -s "$work/finwall.sock"
	lc_tracks 0 || fail "the firewall knows $(lc_tracked) connections after its start"
}

# RST by command; FIN by SIGKILL of the process.
lc_close() {
	local who
	dropped_before=$(lc_dropped)
	for who in client server; do
		lc_tell "$who-$who" rst "${LC_PORT[$who-RST]}"
		wait_until grep '^done rst' "$work/$who-$who.out"
		kill -KILL "${hold_pid[$who-$who]}"
	done
	lc_settle
}

# Waits until the sockets reach their final states, LC_SETTLE_S at most.
lc_settle() {
	local end=$((SECONDS + LC_SETTLE_S))
	until lc_settled || ((SECONDS >= end)); do
		sleep 0.1
	done
}

# True when every closing end is gone, is in TIME-WAIT, or has retransmitted its FIN without
# success.
lc_settled() {
	local who sockets
	for who in client server; do
		sockets=$(lc_sockets "${closer[$who]}" "$who")
		if grep -Eqv 'TIME-WAIT|FIN-WAIT-1|^$' <<<"$sockets"; then
			return 1
		fi
		if grep -q FIN-WAIT-1 <<<"$sockets" && (($(lc_dropped_since) < LC_STUCK_DROPS)); then
			return 1
		fi
		if lc_sockets "${answerer[$who]}" "$who" | grep -qv ESTAB; then
			return 1
		fi
	done
}

# lc_sockets NAMESPACE WHO: "FAMILY PORT STATE" of the sockets of connections that WHO closes.
lc_sockets() {
	ns "$1" ss -Htan state connected |
		awk -v fin="${LC_PORT[$2-FIN]}" -v rst="${LC_PORT[$2-RST]}" '
			{
				for (i = 4; i <= 5; i++) {
					port = $i
					sub(/.*:/, "", port)
					if (port == fin || port == rst) {
						print ($4 ~ /^\[/ ? "ipv6" : "ipv4"), port, $1
					}
				}
			}'
}

lc_show_sockets() {
	local who how family
	for who in client server; do
		for how in FIN RST; do
			for family in ipv4 ipv6; do
				echo "close $who $how $family" \
					"$(lc_state "${closer[$who]}" "$who" "$how" "$family")" \
					"$(lc_state "${answerer[$who]}" "$who" "$how" "$family")"
			done
		done
	done
}

lc_state() { # lc_state NAMESPACE WHO HOW FAMILY: as ss prints it; "closed" without a socket
	lc_sockets "$1" "$2" | awk -v family="$4" -v port="${LC_PORT[$2-$3]}" '
		$1 == family && $2 == port { state = $3 }
		END { print state ? state : "closed" }'
}

# --- the scan: FIN and RST segments of connections that never existed

lc_scan() {
	local from=${answerer[server]} to=${closer[server]}
	local sent=$((2 * LC_SCAN_LEN)) passed_before

	passed_before=$(($(lc_segments_in "$to") - $(lc_probes)))
	dropped_before=$(lc_dropped)
	{
		ns "$from" "$peer" scan fin,rst "$LC_SCAN_LEN" "${addr4[$from]}" "${addr4[$to]}"
		ns "$from" "$peer" scan fin,rst "$LC_SCAN_LEN" "${addr6[$from]}" "${addr6[$to]}"
	} >"$work/scan.out"
	wait_until lc_scan_is_over
	echo "scan $sent $(($(lc_segments_in "$to") - $(lc_probes) - passed_before)) $(lc_dropped_since)"
}

lc_scan_is_over() {
	(($(lc_segments_in "$to") - $(lc_probes) - passed_before + $(lc_dropped_since) >= sent))
}

# The probes of verify, which are segments too.
lc_probes() {
	case $firewall in
	none | kernel) echo 0 ;;
	*) lc_finwall stats --all | awk '$1 == "probes-sent" { n = $2 } END { print n + 0 }' ;;
	esac
}

# Segments that reached TCP in a namespace, behind every filter.
lc_segments_in() {
	# shellcheck disable=SC2016 # awk expands
	ns "$1" awk '/^Tcp:/ && $2 ~ /^[0-9]/ { print $11 }' /proc/net/snmp
}
