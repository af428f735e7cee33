# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: a daemon without hook rules is not "active" and "Filtering"
# backends: nft iptables-nft

phase_1() {
	install_package
	# hook rules that cannot be installed: neither tool works
	mkdir -p /etc/systemd/system/finwall-hook.service.d
	printf '[Service]\nInaccessiblePaths=-/usr/sbin/nft -/usr/sbin/xtables-nft-multi -/usr/sbin/xtables-legacy-multi\n' \
		>/etc/systemd/system/finwall-hook.service.d/broken.conf
	systemctl daemon-reload
	systemctl enable finwalld
	systemctl start finwalld || true
	sleep 5
	check "finwall-hook has failed" systemctl is-failed finwall-hook
	check "status does not say Filtering" says_trouble
	check "doctor: problem" doctor_has 'problem.*hooks'
	check "the log has a line" journal_has 'hook'
	rm -r /etc/systemd/system/finwall-hook.service.d
	systemctl daemon-reload
	systemctl restart finwall-hook
	check "repaired: closed" closed
	sleep 2
	check "repaired: status" says_filtering
	systemctl stop finwall-hook
	sleep 3
	check "hook down by hand: status" says_trouble
}

journal_has() {
	journalctl -b -o cat -u finwalld | grep -i -E "$1"
}
