#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Import of the kernel's connections. A router with rules of the kernel's tracker and with address
# translation gets finwall instead, which accepts no new connection and picks none up. Every open
# connection goes on and closes: TCP that is busy, that sends in either direction, that is idle
# until it closes; UDP and pings; IPv4 and IPv6.
#
#	import.sh start       finwalld reads the kernel's table when it starts
#	import.sh demand      it does not, and connections stall until `finwall import-conntrack`
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

mode=$1
echo=$(dirname "$0")/../support/echo.py
talk=$(dirname "$0")/../support/talk.py
[ "$mode" = start ] && import=on || import=off

netns_begin iptables ip6tables iptables-restore ip6tables-restore ss python3
topo_gateway client router server
# Long timeouts, for a busy machine.
ns router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=300 \
	net.netfilter.nf_conntrack_icmp_timeout=300 net.netfilter.nf_conntrack_icmpv6_timeout=300

# The kernel's rules: source translation for ports 7011 and 7012, destination translation for 7021.
for restore in iptables-restore ip6tables-restore; do
	ns router $restore <<-'RULES' || skip "no state match in $restore"
		*filter
		:FORWARD DROP
		-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		-A FORWARD -i west -m conntrack --ctstate NEW -p tcp --syn -j ACCEPT
		-A FORWARD -i west -m conntrack --ctstate NEW ! -p tcp -j ACCEPT
		COMMIT
	RULES
done
ns router iptables-restore <<-'RULES' || skip "no address translation here"
	*nat
	-A PREROUTING -d 10.2.0.254 -p tcp --dport 7021 -j DNAT --to-destination 10.3.0.2:7021
	-A POSTROUTING -o east -p tcp --dport 7011:7012 -j SNAT --to-source 10.3.0.99
	COMMIT
RULES
ns router ip addr add 10.3.0.99/24 dev east

# hold NAME NAMESPACE COMMAND...: runs a peer; its commands go to $work/NAME.in.
hold() {
	hold_name=$1
	hold_ns=$2
	shift 2
	mkfifo "$work/$hold_name.in"
	# Open for reading and writing, so that it has no end-of-file.
	ns_bg "$hold_ns" sh -c "exec \"\$0\" \"\$@\" <>'$work/$hold_name.in'" "$@" >"$work/$hold_name.out"
	wait_until grep -q ready "$work/$hold_name.out"
}
tell() {
	echo "$2" >"$work/$1.in"
}
heard() {
	grep -q "^$2\$" "$work/$1.out"
}

hold server server "$peer" listen 7001-7012 10.3.0.2 fd03::2
hold client client "$peer" connect 7001-7012 10.3.0.2 fd03::2
hold server2 server "$peer" listen 7021 10.3.0.2
hold client2 client "$peer" connect 7021 10.2.0.254
for family in 4:10.3.0.2 6:fd03::2; do
	hold "talk${family%%:*}s" server python3 "$talk" serve "${family#*:}" 9000
	hold "talk${family%%:*}c" client python3 "$talk" hold "${family#*:}" 9000
	tell "talk${family%%:*}c" udp
	tell "talk${family%%:*}c" ping
	wait_until heard "talk${family%%:*}c" udp
	wait_until heard "talk${family%%:*}c" ping
done
ns_bg server python3 "$echo" serve 10.3.0.2 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$echo" send 10.3.0.2 "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
echo_pid=$bg_pid
wait_until test -s "$work/rounds"
[ "$(ns server ss -Htn 'src 10.3.0.2 and dst 10.3.0.99' | wc -l)" = 2 ] ||
	fail "no source translation"

# finwall, which accepts no new connection.
cat >"$work/finwall.conf" <<CONF
settings {
	queue { num 0; count 2; on-absent drop }
	connections { resurrect off; late-close strict }
	tcp { loose off }
	state { import-kernel $import }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related counter accept
	}
}
CONF
daemon_start router "$work/finwall.conf"

# One more connection before the rules are replaced.
hold server3 server "$peer" listen 7030 10.3.0.2
hold client3 client "$peer" connect 7030 10.3.0.2
for restore in iptables-restore ip6tables-restore; do
	ns router $restore <<-'RULES' || skip "no NFQUEUE target in $restore"
		*filter
		:FORWARD DROP
		-A FORWARD -j NFQUEUE --queue-balance 0:1
		COMMIT
	RULES
done

wait_sec=60
finwall() {
	ns router "$bin/finwall" --socket "$work/finwall.sock" "$@"
}
# listed PATTERN: a line of `finwall list` matches.
listed() {
	finwall list >"$work/list" && grep -Eq -- "$1" "$work/list"
}
nothing_passes() {
	[ "$(finwall stats | awk '$1 == "tcp-no-pickup" { print $3 }')" -gt 20 ]
}
rounds_beyond() {
	[ "$(cat "$work/rounds")" -gt "$1" ]
}

tell client "send 7001-7002"
tell server "send 7003-7004"
tell client "send 7011"
tell server "send 7012"
tell client2 "send 7021"
tell client3 "send 7030"
tell talk4s push
tell talk6s push
if [ "$mode" = demand ]; then
	wait_until nothing_passes
	! grep -q '^data' "$work"/*.out || fail "data passed: $(grep '^data' "$work"/*.out)"
	! grep -q '^pushed' "$work"/*.out || fail "UDP passed"
	! log_has "connections of the kernel's tracker" || fail "the kernel's table was read"
	finwall import-conntrack >"$work/import.txt" || fail "import-conntrack failed"
	cat "$work/import.txt"
	grep -Eq "^imported [0-9]+ connections of the kernel's tracker: 27 TCP, 2 UDP, 2 other; 3 with" \
		"$work/import.txt" || fail "other connections than expected"
	finwall import-conntrack >"$work/import.txt" || fail "import-conntrack failed"
	grep -q '^31 not imported: already in the table$' "$work/import.txt" || fail "imported twice"
	tell talk4s push
	tell talk6s push
else
	wait_until log_has "tracker: 26 TCP, 2 UDP, 2 other; 3 with translated"
	# the kernel's entries are gone before finwall forgets the connections
	log_has 'late closes pass for [0-9]+ s and then leave untranslated' || fail "no warning"
	wait_until log_has "tracker: 1 TCP, 0 UDP, 0 other"
fi

# Data in both directions; either end sends first.
for address in 10.3.0.2 fd03::2; do
	for port in 7001 7002; do
		wait_until heard server "data $address $port"
	done
	for port in 7003 7004; do
		wait_until heard client "data $address $port"
	done
done
wait_until heard server "data 10.3.0.2 7011"
wait_until heard client "data 10.3.0.2 7012"
wait_until heard server2 "data 10.3.0.2 7021"
wait_until heard server3 "data 10.3.0.2 7030"
tell client "send 7003-7004"
tell server "send 7001-7002"
tell server "send 7011"
tell client "send 7012"
tell server2 "send 7021"
for address in 10.3.0.2 fd03::2; do
	for port in 7001 7002; do
		wait_until heard client "data $address $port"
	done
	for port in 7003 7004; do
		wait_until heard server "data $address $port"
	done
done
wait_until heard client "data 10.3.0.2 7011"
wait_until heard server "data 10.3.0.2 7012"
wait_until heard client2 "data 10.2.0.254 7021"
for family in 4 6; do
	wait_until heard "talk${family}c" pushed
	: >"$work/talk${family}c.out"
	tell "talk${family}c" udp
	tell "talk${family}c" ping
	wait_until heard "talk${family}c" udp
	wait_until heard "talk${family}c" ping
done
wait_until rounds_beyond $(($(cat "$work/rounds") + 100))
touch "$work/enough"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
cat "$work/echo.log"

# Connections with translated addresses are listed with the real addresses of client and server.
listed '^tcp +10\.2\.0\.1:[0-9]+ +10\.3\.0\.2:7011 +ESTABLISHED .* assured' ||
	fail "$(cat "$work/list")"
listed '^tcp +10\.2\.0\.1:[0-9]+ +10\.3\.0\.2:7021 +ESTABLISHED .* assured' ||
	fail "$(cat "$work/list")"

# Close connections with and without traffic since the import, by FIN of either side and by reset.
tell client "fin 7001"
tell server "fin 7002"
tell client "fin 7005"
tell server "fin 7006"
tell client "rst 7007"
tell server "rst 7008"
tell client "fin 7011"
tell server2 "fin 7021"
for address in 10.3.0.2 fd03::2; do
	wait_until heard server "eof $address 7001"
	wait_until heard client "eof $address 7002"
	wait_until heard server "eof $address 7005"
	wait_until heard client "eof $address 7006"
	wait_until heard server "reset $address 7007"
	wait_until heard client "reset $address 7008"
done
wait_until heard server "eof 10.3.0.2 7011"
wait_until heard client2 "eof 10.2.0.254 7021"
for port in 7001 7002 7005 7006 7011 7021; do
	wait_until listed ":$port +TIME_WAIT .* assured"
done
! ns server ss -Htn state fin-wait-1 state fin-wait-2 state last-ack state closing | grep . ||
	fail "sockets are stuck"
# A new connection is dropped by the rules.
ns_bg client "$peer" connect 7009 10.3.0.2 >"$work/late.out"
new_is_dropped() {
	[ "$(finwall stats | awk '$1 == "tcp-open" { print $3 }')" -gt 0 ]
}
wait_until new_is_dropped
! grep -q open "$work/late.out" || fail "a new connection was accepted"
daemon_end

# A start with recently saved state imports nothing from the kernel; a connection that was deleted
# with --forget stays deleted.
[ "$mode" = start ] || exit 0
: >"$work/daemon.log"
daemon_start router "$work/finwall.conf" -S "$work/state"
wait_until log_has "connections of the kernel's tracker"
finwall list --port 7010 >"$work/list"
read -r _ from to _ <<LIST
$(grep ":7010 .* ESTABLISHED" "$work/list" | grep '10\.2\.0\.1')
LIST
finwall delete tcp "$from" "$to" --forget || fail "cannot delete $from $to: $(cat "$work/list")"
# The first packets make the daemon import once more: without the deleted connection.
tell client "send 7009"
wait_until heard server "data 10.3.0.2 7009"
import_end=$(($(date +%s) + 2))
repeat_is_over() {
	[ "$(date +%s)" -ge "$import_end" ]
}
wait_until repeat_is_over
! finwall list --port 7010 | grep -q '10\.2\.0\.1' ||
	fail "a deleted connection was imported once more"
: >"$work/server.out"
daemon_end
: >"$work/daemon.log"
daemon_start router "$work/finwall.conf" -S "$work/state"
log_has '^finwalld: loaded [1-9][0-9]* connections and [0-9]+ remembered connections' ||
	fail "nothing was saved"
tell client "send 7009"
wait_until heard server "data 10.3.0.2 7009"
! log_has "connections of the kernel's tracker" || fail "a restart imported from the kernel"
! finwall list --port 7010 | grep -q '10\.2\.0\.1' || fail "a deleted connection came back"
daemon_end
