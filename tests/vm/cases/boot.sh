# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: probed from before power-on: a reboot, and a boot with a broken configuration
# backends: nft iptables-nft iptables-legacy

phase_1() {
	install_package
	systemctl enable finwall-guard
	start_finwall
	check "started: closed" closed
	order boot.start
	reboot_now
}

phase_2() {
	until_true 300 systemctl is-active finwall-hook
	sleep 2
	rebooted boot
	check "boot: units are active" systemctl is-active finwalld finwall-hook finwall-guard
	check "boot: hook rules" is_hooked
	check "boot: status" says_filtering
	check "boot: doctor" doctor_lacks 'problem'
	echo 'nonsense' >>"$conf"
	order broken.start
	reboot_now
}

# The guard's hook rules stay, and drop all but the administrator's port.
phase_3() {
	until_true 300 is_hooked
	sleep 2
	rebooted broken "broken: "
	check "broken: the daemon does not run" not_running
	check "broken: the guard's hook rules" is_hooked
	check "broken: admin-port passes" gets refused tcp 10.9.0.2 22
	check "broken: doctor" doctor_has '^problem'
	sed -i '$d' "$conf"
	systemctl restart finwalld
	until_true 300 systemctl is-active finwall-hook
	until_true 20 says_filtering || true
	check "repaired: status" says_filtering
	check "repaired: closed" closed
}

not_running() {
	! systemctl is-active --quiet finwalld
}
