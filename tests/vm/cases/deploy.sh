# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: doc/deploy.md, the host's steps 1 to 4 as they are written, without rules of iptables
# backends: nft

# step N: runs the indented commands of the document's step, in its own shell.
step() {
	awk -v from="**$1. " -v to="**$(($1 + 1)). " '
		index($0, from) == 1 { on = 1 }
		index($0, to) == 1 { on = 0 }
		on && /^    / { sub(/^    /, ""); print }' /share/doc/deploy.md
}
# Commands only: what is meant for the configuration file is no command.
commands() {
	step "$1" | awk '/^(settings|table) .*\{$/ { skip = 1 } !skip && NF { print } /^}/ { skip = 0 }'
}
block() {
	step "$1" | awk '/^settings .*\{$/ { on = 1 } on { print } /^}/ { on = 0 }'
}

phase_1() {
	cd /root
	ln -s /share/finwall_*.deb .
	dpkg -i /share/finwall_*.deb
	cp "$conf" /tmp/shipped.conf
	commands 2 >/tmp/step2.sh
	cat /tmp/step2.sh
	bash -x /tmp/step2.sh >/tmp/step2.txt 2>&1
	local status=$?
	cat /tmp/step2.txt
	check "step 2: the configuration still has a policy of drop" grep -E 'hook input.*policy drop' "$conf"
	check "step 2: admin-port is still set" grep -E 'admin-port +22' "$conf"
	check "step 2: it loads" finwalld --check
	check "step 2: says that there is nothing to convert" grep -iE 'no rules|nothing to convert|empty' /tmp/step2.txt
	# a machine whose rules are those of nft only
	nft 'add table inet mine; add chain inet mine in { type filter hook input priority 0; policy accept; }; add rule inet mine in tcp dport 25 drop'
	bash /tmp/step2.sh >/tmp/step2.txt 2>&1
	cat /tmp/step2.txt
	check "step 2: says that the rules of nft are not converted" grep -E 'nft' /tmp/step2.txt
	check "step 2: the configuration still drops" grep -E 'hook input.*policy drop' "$conf"
	nft delete table inet mine
	cp /tmp/shipped.conf "$conf"
	block 3 >/tmp/block3
	cat /tmp/block3
	check "step 3: there is a block" test -s /tmp/block3
	apply_block 3
	check "step 3: it loads" finwalld --check
	check "step 3: start" systemctl enable --now finwalld
	sleep 2
	check "step 3: status says that every packet passes" watching
	check "step 3: passes" gets refused tcp 10.9.0.2 81
	apply_block 4
	check "step 4: it loads" finwalld --check
	systemctl restart finwalld
	check "step 4: hook rules" systemctl reload finwall-hook
	check "step 4: closed" closed
	check "step 4: status" says_filtering
	check "step 4: doctor" doctor_lacks problem
}

watching() {
	status_text
	[[ $(status_text) == Watching* ]]
}

# As the text says: appended, unless it names a file of its own.
apply_block() {
	local file
	file=$(step "$1" | sed -n 's/^# \(\/etc\/finwall\/[a-z.]*\).*/\1/p' | head -n 1)
	if [[ -n $file ]]; then
		block "$1" >"$file"
	else
		block "$1" >>"$conf"
	fi
}
