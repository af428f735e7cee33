# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: reject answers, also while another rule uses the kernel's tracker
# backends: nft iptables-nft

answers() {
	check "$1: TCP reset, IPv4" gets refused tcp 10.9.0.2 7001
	check "$1: TCP reset, IPv6" gets refused tcp fd09::2 7001
	check "$1: port unreachable, TCP, IPv4" gets refused tcp 10.9.0.2 7002
	check "$1: port unreachable, TCP, IPv6" gets refused tcp fd09::2 7002
	check "$1: port unreachable, UDP, IPv4" gets refused udp 10.9.0.2 7003
	check "$1: port unreachable, UDP, IPv6" gets refused udp fd09::2 7003
	check "$1: dropped stays silent" gets timeout tcp 10.9.0.2 81
}

phase_1() {
	install_package
	sed -i 's/^\t\t# ct state new tcp dport .*/\t\ttcp dport 7001 reject with tcp reset\n\t\ttcp dport 7002 reject\n\t\tudp dport 7003 reject/' "$conf"
	finwalld --check
	start_finwall
	answers "alone"
	nft 'add table inet other; add chain inet other in { type filter hook input priority filter + 10; policy accept; }; add rule inet other in ct state established counter accept'
	answers "with ct state"
	nft delete table inet other
	nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; policy accept; }; add rule ip nat post ip saddr 192.0.2.0/24 masquerade'
	answers "with nat"
}
