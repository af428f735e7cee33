# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: nftables.service beside finwall: restart, reload, stop, nft flush ruleset, and a boot
# backends: nft iptables-nft
#
# The packaged nftables.service deletes every rule at its start, reload and stop.

# noticed: after the action the machine is open for at most a second, and never silently.
noticed() {
	local name=$1
	shift
	watch "$name"
	"$@"
	sleep 3
	check "$name: open at most 1 s" no_hole "$name" "$second_ms"
	check "$name: hook rules are back" is_hooked
	if is_hooked >/dev/null; then
		check "$name: status" says_filtering
	else
		check "$name: status" says_trouble
	fi
	check "$name: closed afterwards" closed
	# the next action begins with hook rules
	systemctl reload finwall-hook || true
}

phase_1() {
	install_package
	check "not filtering before its start" gets refused tcp 10.9.0.2 81
	start_finwall
	check "started: closed" closed
	measure_second
	systemctl enable nftables
	noticed "start" systemctl start nftables
	noticed "restart" systemctl restart nftables
	noticed "reload" systemctl reload nftables
	noticed "stop" systemctl stop nftables
	noticed "flush" nft flush ruleset
	# A missing hook must not look well while it is missing, if the daemon does not put it back.
	nft flush ruleset
	check "doctor or restored" doctor_or_restored
	systemctl start finwall-hook nftables
	sleep 5
	order boot.start
	reboot_now
}

doctor_or_restored() {
	# in this order: if doctor finds the hook rules, they are there afterwards
	doctor_has 'problem.*hooks' || until_true 5 is_hooked
}

phase_2() {
	until_true 300 systemctl is-active finwall-hook
	check "boot: nftables is active" systemctl is-active nftables
	sleep 2
	# Shutdown: the units stop, and nftables deletes its rules, while the addresses still answer.
	rebooted boot
	check "boot: hook rules" is_hooked
	check "boot: closed" closed
	check "boot: status" says_filtering
	check "boot: doctor" doctor_lacks 'problem'
}
