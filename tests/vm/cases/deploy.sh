# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: doc/deploy.md, the host's steps 1 to 4 as they are written, without rules of iptables
# backends: nft

# step N: the indented commands of the document's step.
step() {
	awk -v from="**$1. " -v to="**$(($1 + 1)). " '
		index($0, from) == 1 { on = 1 }
		index($0, to) == 1 { on = 0 }
		on && /^    / { sub(/^    /, ""); print }' /share/doc/deploy.md
}

# type_step N: types the commands of a step, but those that wait. Nobody types `finwall doctor` before
# the hook rules are installed, which happens after the command that starts the daemon.
type_step() {
	step "$1" | grep -vE '^finwall (stats|events)|^apt |undo' |
		sed 's/^finwall doctor/timeout 60 sh -c "until systemctl -q is-active finwall-hook; do sleep 1; done"\n&/' \
			>"/tmp/step$1.sh"
	bash -x "/tmp/step$1.sh" >"/tmp/step$1.txt" 2>&1 </dev/null
	local status=$?
	cat "/tmp/step$1.txt"
	return $status
}

is_shipped() {
	cmp "$conf" /tmp/shipped.conf
}

phase_1() {
	set +e
	cd /root || return
	dpkg -i /share/finwall_*.deb
	finwall doctor
	cp "$conf" /tmp/shipped.conf
	type_step 2
	check "2, no rules: the file is as shipped" is_shipped
	check "2, no rules: it loads" finwalld --check
	check "2, no rules: reported" grep -E 'nothing to convert' /tmp/step2.txt
	nft 'add table inet mine; add chain inet mine in { type filter hook input priority 0; policy accept; }; add rule inet mine in tcp dport 25 drop'
	type_step 2
	check "2, rules of nft: reported as not converted" grep -E 'rules of nft' /tmp/step2.txt
	check "2, rules of nft: the file is as shipped" is_shipped
	nft delete table inet mine
	# where the text does not warn: the old way of step 2
	for tables in iptables ip6tables; do
		"$tables" -A INPUT -p tcp --dport 25 -j ACCEPT
		"$tables" -P INPUT DROP
	done
	iptables-save -t filter >rules.v4
	finwall import-iptables -o "$conf" rules.v4 >/tmp/over.txt 2>&1
	check "overwritten settings are reported" grep -E 'admin-port 22' /tmp/over.txt
	cp /tmp/shipped.conf "$conf"
	type_step 2
	check "2, rules: they are in force" grep -E 'dport 25' /etc/finwall/rules.conf
	check "2, rules: admin-port stays" grep -E 'admin-port +22' "$conf"
	check "2, rules: it loads" finwalld --check
	for tables in iptables ip6tables; do
		"$tables" -F
		"$tables" -P INPUT ACCEPT
	done
	type_step 3
	check "3: typed without an error" test $? = 0
	sleep 2
	check "3: status reports that every packet passes" watching
	check "3: passes" gets refused tcp 10.9.0.2 81
	type_step 4
	check "4: typed without an error" test $? = 0
	check "4: closed" closed
	sleep 2
	check "4: status" says_filtering
	check "4: no problem for doctor" doctor_lacks '^problem'
}

watching() {
	status_text
	[[ $(status_text) == *"every packet"* ]]
}
