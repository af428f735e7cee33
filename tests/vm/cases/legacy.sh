# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: the unit's start, without any module of netfilter loaded before
# backends: nft iptables-nft iptables-legacy

phase_1() {
	install_package
	check "no module of iptables yet" no_modules
	systemctl enable finwalld
	check "start" systemctl start finwalld
	until_true 300 systemctl is-active finwall-hook || true
	check "finwall-hook is active" systemctl is-active finwall-hook
	check "hook rules" is_hooked
	check "closed" closed
	check "status" says_filtering
	reboot_now
}

no_modules() {
	! lsmod | grep -E '^(ip6_tables|nf_tables|xt_|nfnetlink_queue)'
}

phase_2() {
	until_true 300 systemctl is-active finwall-hook || true
	check "boot: finwall-hook is active" systemctl is-active finwall-hook
	check "boot: closed" closed
	check "boot: doctor" doctor_lacks 'problem'
}
