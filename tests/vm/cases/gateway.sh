# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: Docker, libvirt, nftables.service and a NAT network beside finwall, restarted in every order
# backends: nft iptables-nft
# packages: docker.io libvirt-daemon-system libvirt-daemon-config-network libvirt-clients dnsmasq-base
#
# With nft, without a forward chain, as doc/deploy.md advises beside Docker. With iptables, with one,
# because there Docker puts its rules before finwall's.
#
# The network of the namespace lan is masqueraded by nftables.conf. The namespace guest is on
# libvirt's bridge and stands for a virtual machine. No container runs.

actions=(docker libvirtd network nftables finwalld finwall-hook)

# Each ordered pair of actions is adjacent once.
every_pair() {
	local i j
	for ((i = 0; i < ${#actions[@]}; i++)); do
		for ((j = i + 1; j < ${#actions[@]}; j++)); do
			echo "${actions[i]} ${actions[j]}"
		done
	done
	echo "${actions[0]}"
}

restart() {
	case $1 in
	network)
		virsh -q net-destroy default
		# After a flush libvirt misses its chains until it is restarted itself.
		virsh -q net-start default || { systemctl restart libvirtd; virsh -q net-start default; }
		;;
	*) systemctl restart "$1" ;;
	esac
}

# attach_guest: libvirt makes the bridge anew.
attach_guest() {
	ip link set vguest master virbr0 up
}

namespace() {
	ip netns add "$1"
	ip link add "v$1" type veth peer name eth0 netns "$1"
	ip -n "$1" link set lo up
	ip -n "$1" addr add "$2" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "$3"
}

configure() {
	cat >/etc/nftables.conf <<-'CONF'
		#!/usr/sbin/nft -f
		flush ruleset
		table ip nat_lan {
			chain postrouting {
				type nat hook postrouting priority srcnat; policy accept;
				ip saddr 10.8.0.0/24 oifname "eth0" masquerade
			}
		}
	CONF
	# doc/deploy.md, "With libvirt" and "With kernel NAT on the same machine"
	sed -i '/# services/i\
		iifname "virbr*" udp dport { 53, 67 } accept\
		iifname "virbr*" tcp dport 53 accept' "$conf"
	if [[ $BACKEND != nft ]]; then
		cat >>"$conf" <<-'CONF'
			table inet finwall {
				chain forward {
					type filter hook forward priority filter; policy drop;
					ct state established,related accept
					ct state late accept
					iifname { "virbr*", "vlan", "docker0" } ct state new accept
				}
			}
		CONF
	fi
	finwalld --check
	cat >/etc/sysctl.d/90-gateway.conf <<-'CONF'
		net.ipv4.ip_forward=1
		net.ipv6.conf.all.forwarding=1
		net.netfilter.nf_conntrack_tcp_timeout_established=864600
	CONF
	modprobe nf_conntrack
	sysctl -qp /etc/sysctl.d/90-gateway.conf
	namespace lan 10.8.0.2/24 10.8.0.1
	ip addr add 10.8.0.1/24 dev vlan
	ip link set vlan up
	namespace guest 192.168.122.50/24 192.168.122.1
	# without a forward chain finwall does not filter it
	[[ $BACKEND == nft ]] || probe_too 10.8.0.2
}

is_right() {
	is_hooked && says_filtering && doctor_lacks '^problem'
}

# reaches NAMESPACE: through the masquerading, whose rules are in force.
reaches() {
	ip netns exec "$1" ping -q -c 3 -i 0.2 -W 2 10.9.0.1 | grep -E ' [1-3] received'
}
resolves() {
	# dnsmasq answers, if only that it does not know
	ip netns exec guest python3 - <<-'ASK'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(3)
		s.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\x02vm\0\0\1\0\1", ("192.168.122.1", 53))
		assert s.recv(512)[:2] == b"\x12\x34"
		print("answer")
	ASK
}

# Without its client, which is a package of its own in newer releases.
docker_answers() {
	python3 - <<-'ASK'
		import socket
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(30)
		s.connect("/run/docker.sock")
		s.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
		answer = s.recv(4096)
		print(answer.split(b"\r\n")[0].decode())
		assert b" 200 " in answer
	ASK
}

eventually() {
	until_true 30 "$@"
	"$@"
}

# after ACTION: restarts it while the neighbour counts.
step=0
at_most() {
	local open
	open=$(sed -n 's/.* longest_ms \([0-9]*\).*/\1/p' <<<"$2")
	grep '^hole' <<<"$2"
	echo "limit $1 ms, $(head -n 1 <<<"$2")"
	[[ -n $open && $open -le $1 ]]
}
after() {
	local name began ended began_up counts limit
	step=$((step + 1))
	name=$(printf '%02d %s after %s' "$step" "$1" "$previous")
	previous=$1
	watch "step$step"
	began=$(date +%s%3N)
	restart "$1"
	ended=$(date +%s%3N)
	# the daemon and finwall hook watch have what they see to do
	sleep 2
	until_true 10 is_right || true
	counts=$(unwatch "step$step")
	check "$name: hook rules" is_hooked
	check "$name: status" says_filtering
	check "$name: doctor" eventually doctor_lacks '^problem'
	# what a second is, as fast as the machine is now; this installs the hook rules, so it comes last
	began_up=$(date +%s%3N)
	finwall hook up >/dev/null
	limit=$((1000 + $(date +%s%3N) - began_up))
	((limit > 1300)) || limit=1000
	check "$name, $((ended - began)) ms: hole" at_most "$limit" "$counts"
	case $1 in
	libvirtd | network)
		attach_guest
		# the port forwards after a delay, and libvirt restores its rules by and by
		check "$name: guest has DNS" eventually resolves
		check "$name: guest has NAT" eventually reaches guest
		;;
	esac
}

# says_fault PATTERN: matches the status text.
says_fault() {
	status_text
	status_text | grep -E "$1"
}

# reported ACTION FAULT PROBLEM: with hook watch report, status and doctor report the fault until hook up.
reported() {
	restart "$1"
	until_true 10 says_fault "$2" || true
	check "report, $1: status" says_fault "$2"
	check "report, $1: doctor" doctor_has "$3"
	systemctl reload finwall-hook
	until_true 10 says_filtering || true
	check "report, $1, hook up: status" says_filtering
	check "report, $1, hook up: doctor" doctor_lacks '^problem'
}

phase_1() {
	local a
	install_package
	configure
	systemctl start nftables docker libvirtd
	virsh -q net-start default || true
	attach_guest
	iptables-save
	start_finwall
	measure_second
	finwall doctor || true
	check "docker runs" docker_answers
	check "libvirt's network" ip -br link show virbr0
	check "started: closed" closed
	check "started: doctor" doctor_lacks '^problem'
	check "started: guest has NAT" reaches guest
	check "started: guest has DNS" resolves
	previous=start
	for a in $(every_pair); do
		after "$a"
	done
	sed -i "s/^\thook {\$/&\n\t\twatch report/" "$conf"
	systemctl reload finwalld
	reported nftables '^Not filtering: no hook rule' '^problem.*hook'
	if [[ $BACKEND != nft ]]; then
		reported docker '^Not filtering every packet: rules before' '^problem.*before'
	fi
}
