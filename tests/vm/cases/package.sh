# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: install, doctor on a fresh machine, warnings at the start, upgrade and removal under traffic
# backends: nft iptables-nft

phase_1() {
	check "install prints only dpkg's lines" quiet_dpkg
	check "doctor: fresh, only daemon and hooks" fresh_doctor
	check "nothing is enabled" test "$(systemctl is-enabled finwalld)" = disabled
	settings
	start_finwall
	check "closed" closed
	check "doctor: no problem or warning" doctor_lacks '(problem|warning)'
	printf '\ntable inet finwall {\n\tchain late {\n\t\ttype close hook late; policy remembered;\n\t}\n}\n' >>"$conf"
	finwalld --check || true
	systemctl restart finwalld
	check "no raw-packet warning: late chain" no_raw_warning
	sed -i 's/^\t\t# ct state new tcp dport .*/\t\ttcp dport 7000 accept/' "$conf"
	finwall reload
	python3 /share/support/echo.py serve 0.0.0.0 >/dev/null &
	until_true 20 sh -c 'ss -Hltn sport = :7000 | grep -q .'
	measure_restart
	check "traffic: a connection" talk traffic 7000
	watch upgrade
	check "upgrade prints only dpkg's lines" quiet_dpkg
	check "upgrade: never open" no_hole upgrade
	check "upgrade: closed" closed
	check "upgrade: active" systemctl is-active finwalld finwall-hook
	check "removal" dpkg -r finwall
	sleep 2
	check "upgrade and removal: the connection lives" hushed traffic $((1000 + 2 * restart_ms))
	check "removed: nothing filters" gets refused tcp 10.9.0.2 81
	check "removed: no rules" no_rules
}

# Packets wait while the daemon restarts, and on a machine that is emulated that takes seconds.
measure_restart() {
	local began
	began=$(date +%s%3N)
	systemctl restart finwalld
	restart_ms=$(($(date +%s%3N) - began))
	result "a restart takes" ok "$restart_ms ms"
}

# Lines of dpkg and of systemd's own tools are expected; others are not.
quiet_dpkg() {
	dpkg -i /share/finwall_*.deb >/tmp/dpkg.txt 2>&1 || { cat /tmp/dpkg.txt; return 1; }
	! grep -vE '^(\(?Reading database|Selecting previously|Preparing to unpack|Unpacking|Setting up|Processing triggers|Creating (group|user)|Created symlink|.*dpkg: warning: downgrading)' /tmp/dpkg.txt
}

# Before the first start the only problems are the daemon and its hook rules.
fresh_doctor() {
	finwall doctor >/tmp/doctor.txt 2>&1 || true
	cat /tmp/doctor.txt
	! grep -E '^(problem|warning)' /tmp/doctor.txt | grep -vE '^problem +(daemon|hooks)'
}

no_raw_warning() {
	sleep 1
	! journalctl -b -o cat -u finwalld | grep -E 'raw packets'
}

no_rules() {
	! nft list ruleset | grep -i finwall
}
