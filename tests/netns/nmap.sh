#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# All kinds of nmap's scans through a gateway: nmap reports the same for finwall with the policy
# remembered as for rules of the kernel's tracker, and neither lets a probe pass.
#
# Both have the same rules: ESTABLISHED and RELATED pass, and NEW only for a SYN to port 7001. The
# flags matter for the ACK and window scans: loose tracking is the default of both, so a lone ACK is
# NEW, and rules that accept NEW by port alone would show that port as unfiltered.
#
# The server has an open port (7001), and the firewall has live and remembered connections to it: a
# scan of their ports from the client's address must not pass because of them.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables nmap
topo_gateway client router server

ports=6900-7099
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 1 }
	tcp { timeout established 2s }
}
table inet finwall {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state invalid drop
		ct state established,related accept
		ct state new tcp dport 7001 tcp flags & (fin|syn|rst|ack) == syn accept
		meta l4proto { icmp, ipv6-icmp } accept
	}
	chain late {
		type close hook late; policy remembered;
	}
}
CONF

up_kernel() {
	for x in iptables ip6tables; do
		ns router "$x" -w -P FORWARD DROP
		ns router "$x" -w -A FORWARD -m conntrack --ctstate INVALID -j DROP
		ns router "$x" -w -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		ns router "$x" -w -A FORWARD -m conntrack --ctstate NEW -p tcp --dport 7001 --syn -j ACCEPT
	done
	ns router iptables -w -A FORWARD -p icmp -j ACCEPT
	ns router ip6tables -w -A FORWARD -p ipv6-icmp -j ACCEPT
	ns router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=2
}
down_kernel() {
	for x in iptables ip6tables; do
		ns router "$x" -w -P FORWARD ACCEPT
		ns router "$x" -w -F FORWARD
	done
}
up_finwall() {
	daemon_start router "$work/finwall.conf"
	ns router "$bin/finwall" --socket "$work/finwall.sock" hook up -c "$work/finwall.conf" >/dev/null
}
down_finwall() {
	ns router "$bin/finwall" --socket "$work/finwall.sock" stats late-close >"$work/stats"
	ns router "$bin/finwall" --socket "$work/finwall.sock" hook down >/dev/null
	daemon_end
}
up_nothing() { :; }
down_nothing() { :; }

# Sockets of the server, and connections through the firewall.
connections_up() {
	ns_bg server "$peer" listen 7001 10.3.0.2 fd03::2 >"$work/server.out"
	bg_server=$bg_pid
	wait_until grep -q ready "$work/server.out"
	ns_bg client "$peer" connect 7001 10.3.0.2 fd03::2 </dev/null >"$work/client.out"
	bg_client=$bg_pid
	wait_until grep -q ready "$work/client.out"
	ns_bg server "$peer" serve 10.3.0.2 7002 >"$work/serve.out"
	bg_serve=$bg_pid
	wait_until grep -q ready "$work/serve.out"
}
connections_down() {
	kill -KILL "$bg_client" "$bg_server" "$bg_serve"
	wait_until gone "$bg_client"
	wait_until gone "$bg_server"
	wait_until gone "$bg_serve"
}
expired() {
	! ns router "$bin/finwall" --socket "$work/finwall.sock" list --proto tcp | grep -q 7001
}

segments_in() {
	ns server awk '/^Tcp:/ && $2 ~ /^[0-9]/ { print $11 }' /proc/net/snmp
}

# scan FIREWALL: every kind of scan; the states that nmap reports go to $work/FIREWALL.
scan() {
	"up_$1"
	wait_until ns_ping client 10.3.0.2
	wait_until ns_ping client fd03::2
	connections_up
	[ "$1" != finwall ] || wait_until expired
	for kind in -sF -sX -sN -sM -sA -sW '-sS --scanflags RST' '-sS --scanflags FINACK'; do
		for to in '10.3.0.2' '-6 fd03::2'; do
			before=$(segments_in)
			# shellcheck disable=SC2086 # several words
			ns client nmap -n -Pn -T5 --max-retries 0 --min-rate 5000 --host-timeout 30s \
				-p "$ports" $kind -oG - $to >"$work/nmap.out" 2>"$work/nmap.log" ||
				fail "nmap $kind $to"
			: >"$work/nmap.log"
			passed=$(($(segments_in) - before))
			states=$(sed -n 's/.*Ports: //p' "$work/nmap.out" | tr ',\t' '\n\n' |
				awk -F/ '$2 ~ /^[a-z]/ { n[$2]++ } END { for (s in n) printf "%s %d ", s, n[s] }')
			ignored=$(sed -n 's/.*Ignored State: //p' "$work/nmap.out")
			echo "$kind $to: passed $passed; $states$ignored"
		done
	done >"$work/$1"
	connections_down
	"down_$1"
}

scan nothing
scan kernel
scan finwall
echo "--- without a firewall"
cat "$work/nothing"
echo "--- kernel conntrack rules"
cat "$work/kernel"
echo "--- finwall, policy remembered"
cat "$work/finwall"
cat "$work/stats"
diff -u "$work/kernel" "$work/finwall" || fail "nmap's reports for finwall and the kernel differ"
[ "$(wc -l <"$work/finwall")" = 16 ] || fail "not 16 scans"
if grep -v 'passed 0; .*filtered (200)$' "$work/finwall"; then
	fail "a port was not filtered, or a probe has passed"
fi
grep -q 'passed 0;' "$work/nothing" && fail "no probe arrives without a firewall"
exit 0
