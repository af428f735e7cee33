#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nat.sh BED: connections that the kernel translates, beside finwall's filter: transfers, then closes of
# connections that have been idle for longer than the timeout. One configuration for all:
#
#   kernel     nft loads it; the kernel's tracker expires the connections
#   finwall    finwall judges, the kernel translates; finwall expires them, the kernel keeps its own
#              entries for longer, as doc/deploy.md demands
#   too-short  the kernel expires its entries as well: it no longer translates, which finwall doctor
#              names
#
# BED: dnat, masquerade, hairpin, redirect, docker, libvirt. Prints which ends are left open.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

# As in netns.sh, with the sockets and the entries on both sides.
fail() {
	{
		ns "$opener" ss -Htan
		ns server ss -Htan
		ns server conntrack -L
		ns server "$bin/finwall" --socket "$sock" list
		ns server "$bin/finwall" --socket "$sock" stats
		ns server nft list ruleset
	} >"$work/state.log" 2>&1 || true
	echo "FAIL: $*" >&2
	tail -n 60 "$work"/*.log >&2
	exit 1
}

bed=$1
idle_s=3
netns_begin iptables ip6tables nft ss conntrack
sock=$work/finwall.sock
topo_gateway client server inner # finwall and the translation are on the router, called server

ns server nft -c 'add table ip t; add chain ip t c { type nat hook prerouting priority 0; }; add rule ip t c masquerade' 2>/dev/null ||
	ns server nft -c 'add table ip t; add chain ip t c { type nat hook postrouting priority 0; }; add rule ip t c masquerade' ||
	skip "no address translation in nf_tables"

# The beds: who connects to which address, who listens on which one; the rules of nft for the
# translation, and of iptables where the tools write those.
opener=client listener=inner to=10.2.0.254 at=10.3.0.2 translation=
case $bed in
dnat)
	translation='
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept;
			ip daddr 10.2.0.254 tcp dport { 80, 5000, 7001-7034 } dnat to 10.3.0.2
		}'
	;;
masquerade)
	opener=inner listener=client to=10.2.0.1 at=10.2.0.1
	translation='
		chain postrouting {
			type nat hook postrouting priority srcnat; policy accept;
			oifname "west" masquerade
		}'
	;;
hairpin)
	opener=inner
	translation='
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept;
			ip daddr 10.2.0.254 tcp dport { 80, 5000, 7001-7034 } dnat to 10.3.0.2
		}
		chain postrouting {
			type nat hook postrouting priority srcnat; policy accept;
			ip saddr 10.3.0.0/24 ip daddr 10.3.0.2 masquerade
		}'
	;;
redirect)
	listener=server to=10.3.0.2 at=10.2.0.254
	translation='
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept;
			iifname "west" tcp dport { 80, 5000, 7001-7034 } redirect
		}'
	;;
docker | libvirt) ;;
*) fail "unknown bed $bed" ;;
esac

# A bridge on the router, with a host on it.
# bridge NAME ADDRESS/LENGTH HOST HOST-ADDRESS/LENGTH...
bridge() {
	bridge=$1
	ns server ip link add "$1" type bridge
	ns server ip addr add "$2" dev "$1"
	ns server ip link set "$1" up
	gateway=${2%/*}
	shift 2
	while [ $# -gt 0 ]; do
		ns_add "$1"
		ip -n "$ns_tag-server" link add "v-$1" type veth peer name eth0 netns "$ns_tag-$1"
		ns server ip link set "v-$1" master "$bridge" up
		ns_address "$1" eth0 "$2" -
		ip -n "$ns_tag-$1" route add default via "$gateway"
		shift 2
	done
}

# The rules of docker 20.10 for two containers with published ports, without those of its table filter:
# finwall isolates.
docker_rules() {
	ns server iptables-nft -w -t nat -N DOCKER
	ns server iptables-nft -w -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
	ns server iptables-nft -w -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
	ns server iptables-nft -w -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
	ns server iptables-nft -w -t nat -A DOCKER -i docker0 -j RETURN
	ns server iptables-nft -w -t nat -A DOCKER ! -i docker0 -p tcp -m multiport --dports 7011:7012,7021:7022,7031:7032 -j DNAT --to-destination 172.17.0.2
	ns server iptables-nft -w -t nat -A DOCKER ! -i docker0 -p tcp -m multiport --dports 7013:7014,7023:7024,7033:7034 -j DNAT --to-destination 172.17.0.3
	ns server iptables-nft -w -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
	ns server iptables-nft -w -t nat -A DOCKER ! -i docker0 -p tcp --dport 5000 -j DNAT --to-destination 172.17.0.3:5000
}

# Those of libvirt 9 for its network default.
libvirt_rules() {
	ns server iptables-nft -w -t nat -N LIBVIRT_PRT
	ns server iptables-nft -w -t nat -A POSTROUTING -j LIBVIRT_PRT
	ns server iptables-nft -w -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 -d 224.0.0.0/24 -j RETURN
	ns server iptables-nft -w -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 -d 255.255.255.255/32 -j RETURN
	ns server iptables-nft -w -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535
	ns server iptables-nft -w -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -p udp -j MASQUERADE --to-ports 1024-65535
	ns server iptables-nft -w -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE
}

second= # a second listener, of the last two ports
web_port=80
case $bed in
docker)
	bridge docker0 172.17.0.1/16 one 172.17.0.2/16 two 172.17.0.3/16
	listener=one second=two at=172.17.0.2 at2=172.17.0.3 web_port=8080
	;;
libvirt)
	bridge virbr0 192.168.122.1/24 guest 192.168.122.10/24
	opener=guest listener=client to=10.2.0.1 at=10.2.0.1
	;;
esac

cat >"$work/rules.nft" <<-NFT
	table inet filter {
		chain input {
			type filter hook input priority filter; policy drop;
			ct state established,related accept
			ct state invalid drop
			iifname lo accept
			meta l4proto ipv6-icmp accept
			tcp dport { 80, 5000, 7001-7034 } ct state new accept
		}
		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state established,related accept
			ct state invalid drop
			tcp dport { 80, 5000, 7001-7034 } ct state new accept
		}
		chain output {
			type filter hook output priority filter; policy accept;
			ct state invalid drop
		}
	}
	table ip nat {
		$translation
	}
NFT
[ -n "$translation" ] || sed -i '/^table ip nat/,$d' "$work/rules.nft"
cat - "$work/rules.nft" >"$work/finwall.conf" <<-CONF
	settings {
		queue { count 1 }
		connections { max 4096; remember-max 4096; remember 600s }
		tcp { timeout established ${idle_s}s }
	}
CONF
kernel_timeout() {
	ns server sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established="$1"
}

# up FIREWALL, down FIREWALL
up() {
	kernel_timeout 900
	case $1 in
	kernel)
		ns server nft -f "$work/rules.nft"
		;;
	*)
		daemon_start server "$work/finwall.conf"
		ends 0 hook up -c "$work/finwall.conf"
		;;
	esac
	case $bed in
	docker) docker_rules ;;
	libvirt) libvirt_rules ;;
	esac
}
down() {
	[ "$1" = kernel ] || {
		ends 0 hook down
		daemon_end
	}
	ns server nft flush ruleset
	ns server conntrack -F 2>/dev/null || true
}

# hold ID NAMESPACE MODE PORTS ADDRESS: one end of connections, which reads commands from a pipe.
hold_pids=
hold() {
	[ -p "$work/$1.in" ] || mkfifo "$work/$1.in"
	: >"$work/$1.log" # not the "ready" of an earlier one, until the new process has its log
	ip netns exec "$ns_tag-$2" "$peer" "$3" "$4" "$5" <>"$work/$1.in" >"$work/$1.log" 2>&1 &
	hold_pids="$hold_pids $!"
	bg_pids="$bg_pids $!"
	wait_until grep -q '^ready' "$work/$1.log"
}
# order ID COMMAND PORTS: returns when it is done; a command that gets lost in the pipe is repeated.
order() {
	done_before=$(grep -c "^done $2" "$work/$1.log" || true)
	for _ in 1 2 3 4 5 6; do
		echo "$2 $3" 1<>"$work/$1.in"
		for _ in $(seq 100); do
			[ "$(grep -c "^done $2" "$work/$1.log" || true)" = "$done_before" ] || return 0
			sleep 0.05
		done
	done
	fail "$1 does not $2 $3"
}
has_data() { # has_data ID LINES
	[ "$(grep -c '^data' "$work/$1.log")" = "$2" ]
}

# ${base}1 and ${base}2: the opener closes, by FIN and RST; ${base}3 and ${base}4: the listener does. Each
# firewall has a base of its own, so that sockets that an earlier one has left open are none of these.
connect_all() {
	if [ -n "$second" ]; then
		hold listener "$listener" listen "${base}1-${base}2" "$at"
		hold second "$second" listen "${base}3-${base}4" "$at2"
	else
		hold listener "$listener" listen "${base}1-${base}4" "$at"
	fi
	hold opener "$opener" connect "${base}1-${base}4" "$to"
}
# talk TIMES: a byte each way, so that everything is acknowledged; for the first time, the second, ...
talk() {
	order opener send "${base}1-${base}4"
	if [ -n "$second" ]; then
		wait_until has_data listener $((2 * $1))
		wait_until has_data second $((2 * $1))
		order second send "${base}3-${base}4"
		order listener send "${base}1-${base}2"
	else
		wait_until has_data listener $((4 * $1))
		order listener send "${base}1-${base}4"
	fi
	wait_until has_data opener $((4 * $1))
}

finwall_tracks() {
	[ "$(ns server "$bin/finwall" --socket "$sock" list --proto tcp --output conntrack 2>/dev/null |
		grep -c "dport=$base")" = "$1" ]
}
kernel_tracks() {
	[ "$(ns server conntrack -L -p tcp 2>/dev/null | grep -c "dport=$base")" = "$1" ]
}

expire() {
	case $1 in
	kernel) wait_until kernel_tracks 0 ;;
	finwall)
		wait_until finwall_tracks 0
		kernel_tracks 4 || fail "the kernel has not the entries that it needs to translate"
		;;
	too-short)
		wait_until finwall_tracks 0
		wait_until kernel_tracks 0
		;;
	esac
}

# The state of the socket of a port in a namespace; "closed" without one.
# state NAMESPACE PORT LOCAL|PEER: the port is the socket's own one, or that of its peer
state() {
	if [ "$3" = LOCAL ]; then
		ns "$1" ss -Htan state connected "sport = :$2"
	else
		ns "$1" ss -Htan state connected "dport = :$2"
	fi | awk 'NR == 1 { print $1 } END { if (NR == 0) print "closed" }'
}
listener_of() {
	if [ -n "$second" ] && [ "$1" -ge "${base}3" ]; then echo "$second"; else echo "$listener"; fi
}
# states PORT: "CLOSER OTHER"
states() {
	at_opener=$(state "$opener" "$1" PEER)
	at_listener=$(state "$(listener_of "$1")" "$1" LOCAL)
	if [ "$1" -le "${base}2" ]; then echo "$at_opener $at_listener"; else echo "$at_listener $at_opener"; fi
}
all_states() {
	for port in "${base}1" "${base}2" "${base}3" "${base}4"; do
		states "$port"
	done
}
# What each firewall leaves of the four connections, in order.
wanted() {
	case $1 in
	finwall) printf '%s\n' 'TIME-WAIT closed' 'closed closed' 'TIME-WAIT closed' 'closed closed' ;;
	kernel) printf '%s\n' 'FIN-WAIT-1 ESTAB' 'closed ESTAB' 'FIN-WAIT-1 ESTAB' 'closed ESTAB' ;;
	esac
}
is_as_wanted() {
	[ "$(all_states)" = "$(wanted "$1")" ]
}

# Stuck ends are those that stay so for two retransmissions of the FIN at least.
close_all() {
	order opener fin "${base}1"
	order opener rst "${base}2"
	closer=listener
	[ -z "$second" ] || closer=second
	order "$closer" fin "${base}3"
	order "$closer" rst "${base}4"
	case $1 in
	finwall) wait_sec=20 wait_until is_as_wanted "$1" ;;
	*) sleep 2.5 ;;
	esac
}

transfer() {
	transfer_port=5000
	transfer_ns=$listener transfer_at=$at
	[ -z "$second" ] || { transfer_ns=$second transfer_at=$at2; }
	ns_bg "$transfer_ns" "$peer" serve "$transfer_at" "$transfer_port" >"$work/serve.out" 2>&1
	serve_pid=$bg_pid
	wait_until ns_listens "$transfer_ns" "$transfer_port"
	ns "$opener" "$peer" bulk "$to" "$transfer_port" 4 >"$work/bulk.out" 2>&1 ||
		fail "$1: the transfer failed: $(cat "$work/bulk.out")"
	kill -KILL "$serve_pid"
	! command -v nginx >/dev/null || ! command -v curl >/dev/null || transfer_web "$1"
}

# nginx, as Debian has it, behind the translation.
transfer_web() {
	mkdir -p "$work/www"
	[ -s "$work/www/file" ] || head -c 3000000 /dev/urandom >"$work/www/file"
	chmod 755 "$work" "$work/www"
	chmod 644 "$work/www/file"
	cat >"$work/nginx.conf" <<-NGINX
		daemon off;
		master_process off;
		pid $work/nginx.pid;
		error_log $work/nginx.err;
		events { }
		http {
			access_log off;
			client_body_temp_path $work/n1;
			proxy_temp_path $work/n2;
			fastcgi_temp_path $work/n3;
			uwsgi_temp_path $work/n4;
			scgi_temp_path $work/n5;
			server { listen $at:80; root $work/www; }
		}
	NGINX
	ns_bg "$listener" nginx -c "$work/nginx.conf" 2>"$work/nginx.out"
	nginx_pid=$bg_pid
	wait_until ns_listens "$listener" 80
	ns "$opener" curl -s -m 20 -o "$work/got" "http://$to:$web_port/file" ||
		fail "$1: no file from nginx"
	cmp "$work/www/file" "$work/got" || fail "$1: nginx's file has changed on the way"
	kill -TERM "$nginx_pid"
	wait "$nginx_pid" 2>/dev/null || true
}

printf '%-11s %-10s %-4s %-14s %-14s\n' bed firewall by 'opener closes' 'listener closes'
row() { # row FIREWALL: from all_states
	all_states | {
		read -r a
		read -r b
		read -r c
		read -r d
		printf '%-11s %-10s %-4s %-22s %-22s\n' "$bed" "$1" FIN "$a" "$c" "$bed" "$1" RST "$b" "$d"
	}
}

for firewall in kernel finwall too-short; do
	case $firewall in
	kernel) base=701 ;;
	finwall) base=702 ;;
	too-short) base=703 ;;
	esac
	up "$firewall"
	[ "$firewall" = too-short ] || transfer "$firewall"
	connect_all
	talk 1
	# With the next packets; not before, as on a slow machine it may be over before those.
	[ "$firewall" = finwall ] || kernel_timeout "$idle_s"
	talk 2
	expire "$firewall"
	close_all "$firewall"
	row "$firewall"
	case $firewall in
	too-short)
		! is_as_wanted finwall || fail "closed without the kernel's entries: they are not needed"
		finwall doctor || true
		out_has 'nf_conntrack_tcp_timeout_established'
		;;
	*) is_as_wanted "$firewall" || fail "$firewall: $(all_states | tr '\n' ',')" ;;
	esac
	for pid in $hold_pids; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	hold_pids=
	down "$firewall"
done
