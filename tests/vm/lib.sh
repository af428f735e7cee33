# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What cases use, in the virtual machine. A case is a file with functions phase_1, phase_2 ... and is
# run with set -e; `check` never ends it.

# The exit status of a phase that wants a reboot.
REBOOT=200
conf=/etc/finwall/finwall.conf

# result CHECK ok|FAIL [DETAIL]: a line of the table.
result() {
	printf '%s\t%s\t%s\n' "$1" "$2" "${3-}" >>/share/results
	printf '%s: %s %s\n' "$2" "$1" "${3-}"
	sync
}

# check NAME COMMAND...: the command's output is the detail.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		result "$name" ok "$(tail -n 1 <<<"$out" | head -c 100)"
	else
		result "$name" FAIL "$(tail -n 3 <<<"$out" | tr '\n' ';' | head -c 300)"
	fi
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS <= end)) || return 1
		sleep 0.1
	done
}

reboot_now() {
	exit $REBOOT
}

# Installs the package, as apt would.
install_package() {
	dpkg -i /share/finwall_*.deb
	settings
}

# settings: sets the backend of this run in the packaged configuration.
settings() {
	local backend=nft
	[[ $BACKEND == nft ]] || backend=iptables
	case $BACKEND in
	iptables-legacy) choose_iptables legacy ;;
	iptables-nft) choose_iptables nft ;;
	esac
	sed -i "s/^\thook {\$/&\n\t\tbackend $backend/" "$conf"
	finwalld --check
}

# choose_iptables legacy|nft: as an administrator would.
choose_iptables() {
	update-alternatives --set iptables "/usr/sbin/iptables-$1"
	update-alternatives --set ip6tables "/usr/sbin/ip6tables-$1"
}

start_finwall() {
	systemctl enable finwalld
	systemctl start finwalld
	until_true 300 systemctl is-active finwall-hook
}

# order FILE [TEXT]: a file for the neighbour, which removes it at once: it appears complete.
order() {
	echo "${2-}" >"/share/peer/$1.new"
	mv "/share/peer/$1.new" "/share/peer/$1"
}

# probe_too ADDRESS: the neighbour sends probes to this IPv4 address behind the machine too.
probe_too() {
	order guest.probe "$1"
	until_true 20 test ! -e /share/peer/guest.probe
}

# watch NAME: the neighbour counts answers to probes of a closed port. unwatch NAME prints the counts.
watch() {
	rm -f "/share/peer/$1.result"
	order "$1.start"
	until_true 20 test ! -e "/share/peer/$1.start"
}
unwatch() {
	order "$1.stop"
	until_true 20 test -e "/share/peer/$1.result" || return 1
	cat "/share/peer/$1.result"
}

# answered NAME: ends the count; prints the number of answers.
answered() {
	unwatch "$1" | sed -n 's/.* answered \([0-9]*\).*/\1/p'
}

# no_hole NAME [MILLISECONDS]: no probe was answered, or for no longer than that at a time.
no_hole() {
	local counts open
	counts=$(unwatch "$1") || return 1
	open=$(sed -n 's/.* longest_ms \([0-9]*\).*/\1/p' <<<"$counts")
	[[ $(sed -n 's/^sent \([0-9]*\).*/\1/p' <<<"$counts") -gt 0 ]] || { echo "nothing was sent"; return 1; }
	tac <<<"$counts"
	[[ -n $open && $open -le ${2:-0} ]]
}

# is_never_open before|after COUNTS UPTIME: no hole before or after this boot, of a section that was
# watched over it. Prints the holes, and their time.
is_never_open() {
	awk -v side="$1" -v up="$3" '$1 == "hole" { from[++n] = $3; to[n] = $6 } $1 == "end" { boot = $3 - up }
		END { for (i = 1; i <= n; i++) if ((from[i] < boot) == (side == "before")) {
			s += to[i] - from[i]; print "hole", from[i], to[i] }
			printf "open for %d ms\n", s * 1000; exit s > 0 }' <<<"$2"
}
# rebooted NAME [PREFIX]: ends what `order NAME.start` began before the reboot, and checks both sides.
rebooted() {
	local counts uptime
	counts=$(unwatch "$1")
	uptime=$(cut -d' ' -f1 /proc/uptime)
	echo "$counts"
	check "${2:-}shutdown: never open" is_never_open before "$counts" "$uptime"
	check "${2:-}boot: never open" is_never_open after "$counts" "$uptime"
}

# talk NAME PORT: the neighbour opens a connection, and sends over it until hushed NAME MILLISECONDS:
# that the connection lived, and never waited longer for an answer.
talk() {
	order "$1.talk" "10.9.0.2 $2"
	until_true 20 test -e "/share/peer/$1.talks"
}
hushed() {
	local text longest
	order "$1.hush"
	until_true 20 test -e "/share/peer/$1.talked" || return 1
	text=$(cat "/share/peer/$1.talked")
	longest=$(sed -n 's/^answers [1-9][0-9]* longest_ms \([0-9]*\)$/\1/p' <<<"$text")
	echo "$text"
	[[ -n $longest && $longest -le $2 ]]
}

# ask tcp|udp ADDRESS PORT: what the neighbour's packet gets: open, refused, timeout or an errno.
ask() {
	local name=ask-$RANDOM$RANDOM
	order "$name.ask" "$1 $2 $3"
	until_true 20 test -e "/share/peer/$name.answer" || return 1
	cat "/share/peer/$name.answer"
	rm -f "/share/peer/$name.answer"
}

# gets OUTCOME tcp|udp ADDRESS PORT
gets() {
	local want=$1 out
	shift
	out=$(ask "$@")
	echo "$* $out"
	[[ $out == "$want "* ]]
}

# An emulated machine is tens of times slower: there, a second is one more run of the command that puts
# the rules back, which takes 30 ms on a real one.
second_ms=1000
measure_second() {
	local began
	began=$(date +%s%3N)
	finwall hook up
	command_ms=$(($(date +%s%3N) - began))
	((command_ms < 300)) || second_ms=$((1000 + command_ms))
	result "finwall hook up takes" ok "$command_ms ms; limit $second_ms ms"
}

closed() {
	watch closed
	sleep 1
	no_hole closed
}

status_text() {
	systemctl show -p StatusText --value finwalld
}

# says_filtering / says_trouble: the status text of the unit
says_filtering() {
	status_text
	[[ $(status_text) == Filtering* ]]
}
says_trouble() {
	status_text
	[[ $(status_text) != Filtering* ]] || ! systemctl is-active --quiet finwalld
}

# doctor_has PATTERN / doctor_lacks PATTERN
doctor_has() {
	finwall doctor >/tmp/doctor.txt 2>&1 || true
	grep -E "$1" /tmp/doctor.txt || { grep -E 'problem|warning|hooks' /tmp/doctor.txt; return 1; }
}
doctor_lacks() {
	finwall doctor >/tmp/doctor.txt 2>&1 || true
	! grep -E "$1" /tmp/doctor.txt
}

is_hooked() {
	nft list table inet finwall_hook 2>/dev/null | grep queue || iptables-save | grep 'NFQUEUE' ||
		iptables-legacy-save 2>/dev/null | grep NFQUEUE
}

# What a person wants to see of a failed case.
why() {
	systemctl status --no-pager -l finwalld finwall-hook finwall-guard nftables
	journalctl --no-pager -o short-monotonic -b -u finwalld -u finwall-hook -u finwall-guard -u nftables \
		-u netfilter-persistent | tail -n 80
	nft list ruleset
	iptables-legacy-save
	finwall doctor
}
