# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # set and used by the scripts that source this file
#
# For tests and trials of a cluster: two gateways between a client and a server, and the engine.
# After netns.sh.
#
#	          10.1.1.0/24  gw1  10.2.1.0/24
#	client <                                > server
#	10.9.0.1  10.1.2.0/24  gw2  10.2.2.0/24   10.9.0.2
#
# The engine is in a namespace of its own, at 10.3.N.1 for gwN.
# The way of each direction is a route: via moves it, as VRRP would.

client_address=10.9.0.1
server_address=10.9.0.2
gw1_pid=
gw2_pid=
many=$(dirname "$0")/../support/many.py
[ -e "$many" ] || many=$(dirname "$0")/../tests/support/many.py

# cluster_topology: the namespaces, with all routes by gw1.
cluster_topology() {
	ns_add client
	ns_add server
	ns_add engine
	for gw in 1 2; do
		ns_add gw$gw
		ns_link client c$gw 10.1.$gw.1/24 - gw$gw west 10.1.$gw.254/24 -
		ns_link server s$gw 10.2.$gw.1/24 - gw$gw east 10.2.$gw.254/24 -
		ns_link engine g$gw 10.3.$gw.1/24 - gw$gw engine 10.3.$gw.254/24 -
		ns_router gw$gw
		ns gw$gw sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.west.rp_filter=0 \
			net.ipv4.conf.east.rp_filter=0
		ip -n "$ns_tag-gw$gw" route add 10.9.0.1 via 10.1.$gw.1
		ip -n "$ns_tag-gw$gw" route add 10.9.0.2 via 10.2.$gw.1
	done
	for host in client server; do
		ns $host sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
	ns client sysctl -qw net.ipv4.conf.c1.rp_filter=0 net.ipv4.conf.c2.rp_filter=0
	ns server sysctl -qw net.ipv4.conf.s1.rp_filter=0 net.ipv4.conf.s2.rp_filter=0 \
		net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192
	ip -n "$ns_tag-client" addr add 10.9.0.1/32 dev lo
	ip -n "$ns_tag-server" addr add 10.9.0.2/32 dev lo
	via client 1
	via server 1
}

# cluster_networks: another topology, with networks that both gateways are in, and addresses that
# keepalived moves: 192.168.1.1 to the client, 198.51.100.1 to the server.
#
#	client 192.168.1.2 -- lan -- gw1, gw2 -- wan -- 198.51.100.2 server
cluster_networks() {
	for host in lan wan client server engine gw1 gw2; do
		ns_add $host
	done
	for net in lan wan; do
		ip -n "$ns_tag-$net" link add br0 type bridge
		ip -n "$ns_tag-$net" link set br0 up
	done
	ns_link client eth0 192.168.1.2/24 - lan client - -
	ns_link server eth0 198.51.100.2/24 - wan server - -
	for gw in 1 2; do
		ns_link gw$gw lan0 192.168.1.25$gw/24 - lan gw$gw - -
		ns_link gw$gw wan0 198.51.100.25$gw/24 - wan gw$gw - -
		ns_link engine g$gw 10.3.$gw.1/24 - gw$gw engine 10.3.$gw.254/24 -
		ns_router gw$gw
		ip -n "$ns_tag-lan" link set gw$gw master br0
		ip -n "$ns_tag-wan" link set gw$gw master br0
	done
	ip -n "$ns_tag-lan" link set client master br0
	ip -n "$ns_tag-wan" link set server master br0
	ip -n "$ns_tag-client" route add default via 192.168.1.1
	ip -n "$ns_tag-server" route add default via 198.51.100.1
	client_address=192.168.1.2
	server_address=198.51.100.2
}

# keepalived_start GW PRIORITY: as doc/deploy.md has it, with $keepalived_check in place of its check
# and $ADVERT in place of its interval of a second, if they are set. Its process ID is
# $keepalived_pid.
keepalived_start() {
	cat >"$work/keepalived$1.conf" <<-CONF
		global_defs {
			enable_script_security
			script_user root
		}
		vrrp_script finwall {
			script "${keepalived_check:-$bin/finwall --socket $work/gw$1.sock wait --timeout 1s}"
			interval 2
			fall 2
		}
		vrrp_sync_group gateway {
			group {
				lan
				wan
			}
		}
		vrrp_instance lan {
			interface lan0
			virtual_router_id 51
			priority $2
			advert_int ${ADVERT:-1}
			virtual_ipaddress {
				192.168.1.1/24
			}
			track_script {
				finwall
			}
		}
		vrrp_instance wan {
			interface wan0
			virtual_router_id 52
			priority $2
			advert_int ${ADVERT:-1}
			virtual_ipaddress {
				198.51.100.1/24
			}
			track_script {
				finwall
			}
		}
	CONF
	ns_bg gw"$1" keepalived -n -l -f "$work/keepalived$1.conf" -p "$work/keepalived$1.pid" \
		-r "$work/vrrp$1.pid" >"$work/keepalived$1.txt" 2>&1
	keepalived_pid=$bg_pid
}

# has_addresses GW: keepalived has given it both.
has_addresses() {
	ip -n "$ns_tag-gw$1" -4 addr show | grep -q ' 192.168.1.1/24' &&
		ip -n "$ns_tag-gw$1" -4 addr show | grep -q ' 198.51.100.1/24'
}

# via HOST GW: what HOST sends goes by that gateway from now on.
via() {
	case $1 in
	client) ip -n "$ns_tag-client" route replace 10.9.0.2 via "10.1.$2.254" src 10.9.0.1 ;;
	server) ip -n "$ns_tag-server" route replace 10.9.0.1 via "10.2.$2.254" src 10.9.0.2 ;;
	esac
}

# engine_start: the engine, with a password, and with $engine_options. Its process ID is $engine_pid.
engine_start() {
	echo secret >"$work/password"
	# shellcheck disable=SC2086 # several words
	ip netns exec "$ns_tag-engine" redis-server --port 6379 --bind 10.3.1.1 10.3.2.1 \
		--requirepass secret --masterauth secret --unixsocket "$work/engine.sock" \
		--save '' --appendonly no --dir "$work" --loglevel warning ${engine_options:-} >>"$work/engine.txt" 2>&1 &
	engine_pid=$!
	bg_pids="$bg_pids $engine_pid"
	wait_until engine ping
}

# engine COMMAND...: a command to the engine.
engine() {
	redis-cli -s "$work/engine.sock" --no-auth-warning -a secret "$@" >>"$work/engine.txt"
}

# certificate NAME: $work/NAME.crt and NAME.key, for the addresses of the engine.
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.crt" -days 30 \
		-subj "/CN=$1" -addext "subjectAltName=IP:10.3.1.1,IP:10.3.2.1" 2>"$work/openssl.txt"
}

# stunnel_start GW CA: TLS to the engine by stunnel, as doc/deploy.md has it; its process ID is
# $stunnel_pid.
stunnel_start() {
	cat >"$work/stunnel$1.conf" <<-CONF
		foreground = yes
		pid =
		[engine]
		client = yes
		accept = 127.0.0.1:6379
		connect = 10.3.$1.1:6390
		CAfile = $2
		verifyChain = yes
		checkIP = 10.3.$1.1
	CONF
	ns_bg gw"$1" stunnel4 "$work/stunnel$1.conf" >>"$work/stunnel$1.txt" 2>&1
	stunnel_pid=$bg_pid
}

# sentinel_start: a second engine, a replica of the first one, and a sentinel that lets it take over.
# To be configured on both gateways: engine_kind=sentinel.
sentinel_start() {
	cat >"$work/sentinel.conf" <<-CONF
		port 26379
		bind 10.3.1.1
		protected-mode no
		dir $work
		logfile $work/sentinel.txt
		sentinel monitor finwall 10.3.1.1 6379 1
		sentinel auth-pass finwall secret
		sentinel down-after-milliseconds finwall 1000
		sentinel failover-timeout finwall 6000
	CONF
	ns_bg engine redis-server --port 6380 --bind 10.3.1.1 10.3.2.1 --requirepass secret \
		--masterauth secret --replicaof 10.3.1.1 6379 --save '' --appendonly no --dir "$work" \
		--dbfilename replica.rdb --loglevel warning >>"$work/replica.txt" 2>&1
	ns_bg engine redis-server "$work/sentinel.conf" --sentinel >>"$work/sentinel.txt" 2>&1
	wait_until sentinel_knows 1
}

# sentinel COMMAND...: its reply.
sentinel() {
	ns engine redis-cli -h 10.3.1.1 -p 26379 sentinel "$@"
}

# sentinel_knows N: so many replicas that are well.
sentinel_knows() {
	[ "$(sentinel replicas finwall | grep -A1 '^flags' | grep -cx slave)" = "$1" ] &&
		sentinel replicas finwall | grep -A1 '^master-link-status' | grep -qx ok
}

# engine_of GW: as it is configured: by TCP, behind a server that is not there, or by a UNIX socket;
# or as $engine_kind demands.
engine_of() {
	case ${engine_kind:-}$1 in
	tls*) echo "redis://10.3.$1.1:6390" ;;
	stunnel*) echo "redis://127.0.0.1:6379" ;;
	sentinel*) echo "redis://10.3.$1.1:6379,redis://10.3.$1.1:6380" ;;
	1) echo "redis://10.3.1.1:6378,redis://10.3.1.1:6379" ;;
	*) echo "unix:$work/engine.sock" ;;
	esac
}

# gateway_config GW REPLICATE [SETTING...]: writes $work/gwN.conf. More settings follow as a text.
gateway_config() {
	cat >"$work/gw$1.conf" <<-CONF
		settings {
			queue { num 0; count ${queues:-1}; on-absent drop }
			connections { resurrect off }
			hook { fast-path off }
			tcp { loose off; timeout established ${established:-1h} }
			cluster {
				engine $(engine_of "$1")
				password-file $work/password
				group test
				node gw$1
				replicate $2
				sets on
				${3:-}
			}
		}
		table inet filter {
			set banned {
				type ipv4_addr
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ip saddr @banned drop
				ct state established,related accept
				tcp flags & (fin|syn|rst|ack) == syn accept
				ip saddr $client_address meta l4proto udp accept
			}
		}
	CONF
}

# gateway_start GW: its daemon, run by $gateway_under if that is set; the process ID is $gwN_pid.
gateway_start() {
	: >"$work/gw$1.log"
	# shellcheck disable=SC2086 # several words
	ns_bg gw"$1" ${gateway_under:-} "$bin/finwalld" -c "$work/gw$1.conf" -s "$work/gw$1.sock" -S none \
		2>>"$work/gw$1.log"
	eval "gw$1_pid=$bg_pid"
	wait_until grep -q '^finwalld: ready' "$work/gw$1.log"
}

# gateway GW COMMAND...: finwall of that gateway.
gateway() {
	gateway_nr=$1
	shift
	"$bin/finwall" --socket "$work/gw$gateway_nr.sock" "$@"
}

# number GW PATH: a number of GetCluster, "out.records".
number() {
	gateway "$1" cluster --output json | python3 -c '
import json, sys
at = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    at = at[int(name)] if name.isdigit() else at[name]
print(int(at))' "$2"
}

# has_number GW PATH TEST VALUE: such a number passes a test, as "-ge 20".
has_number() {
	test "$(number "$1" "$2")" "$3" "$4"
}

# client_start, server_start: the two ends.
server_start() {
	ns_bg server python3 "$many" serve "$server_address" 7000 >"$work/serve.out"
	wait_until grep -q ready "$work/serve.out"
}

client_start() {
	mkfifo "$work/to_client"
	exec 8<>"$work/to_client"
	# A shell gives its background processes an empty standard input.
	ip netns exec "$ns_tag-client" python3 "$many" client "$server_address" 7000 "$client_address" <&8 \
		>"$work/client.out" &
	bg_pids="$bg_pids $!"
	wait_until grep -q ready "$work/client.out"
}

# command_client COMMAND...: a command to the client; its answer is $answer.
command_client() {
	client_lines=$(wc -l <"$work/client.out")
	echo "$*" >&8
	wait_until client_printed "$client_lines"
	answer=$(tail -n 1 "$work/client.out")
}

client_printed() {
	[ "$(wc -l <"$work/client.out")" -gt "$1" ]
}

# entries GW: the live connections with their states, as conntrack prints them, sorted.
entries() {
	gateway "$1" list --output conntrack | sed -E 's/^([a-z]+ +[0-9]+) [0-9]+ /\1 /' | sort
}

# entries_with_timeouts GW: likewise, not sorted.
entries_with_timeouts() {
	gateway "$1" list --output conntrack
}

same_entries() {
	entries 1 >"$work/entries1" && entries 2 >"$work/entries2" &&
		cmp -s "$work/entries1" "$work/entries2"
}

# wire_start RATE SECONDS: hand-made connections through gw1 (peer wire), which prints its result to
# $work/wire.json; the process ID is $wire_pid.
wire_start() {
	for gw in 1 2; do
		ip -n "$ns_tag-gw$gw" route replace 10.20.0.0/16 via "10.1.$gw.1"
		ip -n "$ns_tag-gw$gw" route replace 10.21.0.0/16 via "10.2.$gw.1"
		wait_until ns_ping gw$gw "10.1.$gw.1"
		wait_until ns_ping gw$gw "10.2.$gw.1"
	done
	"$peer" wire "$1" "$2" "$ns_tag-client" c1 "$(wire_mac west)" "$ns_tag-server" s1 \
		"$(wire_mac east)" >"$work/wire.json" 2>"$work/wire.log" &
	wire_pid=$!
	bg_pids="$bg_pids $wire_pid"
}

wire_mac() {
	ns gw1 cat "/sys/class/net/$1/address"
}

# wire_number PATH: a number of the result, "syn_us.max".
wire_number() {
	python3 -c '
import json, sys
at = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    at = at[name]
print(at)' "$work/wire.json" "$1"
}
