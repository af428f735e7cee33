#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package, from its build to its purge: built twice, with two versions; installed on a
# clean Debian with systemd as its first process, where it must change nothing; enabled; upgraded
# while a connection transfers, and once more with a broken configuration; removed; purged.
#
#	sudo tests/package/package.sh [ROOT]
#
# ROOT: a clean Debian root folder with systemd, dbus, iproute2, iptables and nftables, which is copied;
# without it, debootstrap makes one. Needs the network, and what debian/control builds with. Minutes,
# so it is not part of ctest.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
echo=$top/tests/support/echo.py
hello=$top/tests/support/hello.py

netns_begin unshare nsenter chroot python3 iptables dpkg-buildpackage dh
# shellcheck source=tests/support/machine.sh
. "$top/tests/support/machine.sh"

# build VERSION [OPTION...]: the packages, in $work/VERSION.
build() {
	version=$1
	shift
	sed -i "1s/(.*)/($version)/" debian/changelog
	if ! DEB_BUILD_OPTIONS="nocheck noddebs parallel=$(nproc)" dpkg-buildpackage -us -uc -b "$@" \
		>"$work/build.txt" 2>&1; then
		tail -n 40 "$work/build.txt" >&2
		fail "the package does not build"
	fi
	mkdir "$work/$version"
	mv ../finwall*_"$version"_*.deb ../finwall_"$version"_*.changes ../finwall_"$version"_*.buildinfo \
		"$work/$version"
}
mkdir -p "$work/build/src"
tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$work/build/src" -xf -
cd "$work/build/src"
build 0.1.0-1
# The next version brings another default configuration.
echo '# As version 2 has it.' >>conf/finwall.conf
build 0.1.0-2 -nc
cd /
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error,warning "$work"/0.1.0-1/*.changes >"$work/lintian.log" 2>&1 ||
		fail "lintian is not content"
	echo "built, and lintian finds nothing"
fi

# A clean Debian with what the package depends on.
machine_root systemd,dbus,iproute2,iptables,nftables "${1-}"
depends=$(dpkg-deb -f "$work"/0.1.0-1/finwall_*.deb Depends)
# shellcheck disable=SC2016 # the inner shell expands it
chroot "$root" sh -c 'export DEBIAN_FRONTEND=noninteractive
	apt-get -q update && apt-get -qy --no-install-recommends satisfy "$1"' sh "$depends" \
	>"$work/satisfy.txt" 2>&1 || skip "cannot install what the package depends on"
mkdir "$root/var/cache/finwall-test"
cp "$work"/0.1.0-?/*.deb "$root/var/cache/finwall-test"

# install VERSION: as apt would for somebody who keeps a configuration that was changed.
install() {
	in_machine sh -c "DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold \
		/var/cache/finwall-test/finwall_$1_*.deb" >"$work/dpkg.log" 2>&1 || fail "dpkg -i fails"
}
# state FILE: what must be as before when all is over. Not what dpkg and the service manager keep for
# themselves, nor the empty table that iptables leaves once it was asked.
state() {
	{
		(cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./run \
			-o -path ./proc -o -path ./sys -o -path ./tmp -o -path ./dev \
			-o -path ./var/lib/systemd -o -path ./var/cache \) -prune -o -print |
			grep -Ev '^./etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|^./var/tmp/systemd-' | sort)
		ns server iptables-save | grep -E '^(-|:FINWALL)'
		ns server ip6tables-save | grep -E '^(-|:FINWALL)'
		ns server nft list tables | grep -Ev '^table ip6? filter$'
	} >"$work/$1" 2>/dev/null || true
}
answers() {
	ns client python3 "$hello" ask 10.1.0.2 "$1" 2>/dev/null
}

machine_boot
topo_pair client server
ns_bg server python3 "$hello" serve 22 23
expect answers 23
in_machine systemctl daemon-reload
state before

# Installed: nothing is filtered, and nothing claims to filter.
install 0.1.0-1
[ "$(in_machine systemctl is-enabled finwalld finwall-guard | sort -u)" = disabled ] ||
	fail "it enables itself"
! is_active finwalld || fail "it starts by itself"
hook_is_down 2>/dev/null || fail "installing puts hook rules up"
answers 23 || fail "installing closes the machine"
in_machine finwalld --check || fail "the configuration that comes along is not good"
in_machine getent passwd finwall >/dev/null || fail "no user"
for file in usr/share/man/man8/finwall.8.gz usr/share/doc/finwall/README.Debian \
	usr/share/bash-completion/completions/finwall usr/share/doc/finwall/examples/gateway.conf; do
	[ -e "$root/$file" ] || fail "no $file"
done
echo "installed; nothing is filtered"

# Enabled, with a service more than the configuration has by itself.
sed -i 's/# ct state new tcp dport .*/ct state new tcp dport 7000 accept/' "$root/etc/finwall/finwall.conf"
in_machine systemctl enable --now finwalld 2>/dev/null || fail "cannot enable it"
expect is_active finwall-hook
hook_is_up || fail "no hook rules"
answers 22 || fail "the installed configuration drops SSH"
! answers 23 || fail "nothing is filtered"
echo "enabled; filtered"

# Upgraded, under a connection that never rests.
ns_bg server python3 "$echo" serve 10.1.0.2 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$echo" send 10.1.0.2 "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
echo_pid=$bg_pid
rounds_beyond() {
	[ "$(cat "$work/rounds")" -gt "$1" ]
}
flows_on() {
	expect test -s "$work/rounds"
	expect rounds_beyond $(($(cat "$work/rounds") + 50))
}
# shellcheck disable=SC2016 # awk's
holders() {
	ns server awk '{ print $1, $2 }' /proc/net/netfilter/nfnetlink_queue
}
# Packets that the kernel lost: a queue or a buffer was full. Packets that waited when none answered
# would be gone with the queue, and the queue has to have the same holder.
# shellcheck disable=SC2016 # awk's
lost() {
	ns server awk '{ n += $6 + $7 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue
}
flows_on
pid=$(property MainPID)
holders_before=$(holders)
rounds_before=$(cat "$work/rounds")
install 0.1.0-2
rounds_after=$(cat "$work/rounds")
! grep -E '^(Syntax|Unknown option)' "$work/dpkg.log" || fail "a command of postinst printed its usage"
expect is_active finwalld
[ "$(property MainPID)" != "$pid" ] || fail "the upgrade did not restart it"
[ "$(property NRestarts)" = 0 ] || fail "it needed more than one start"
[ "$(holders)" = "$holders_before" ] || fail "the upgrade lost the queues"
hook_is_up || fail "the upgrade took the hook rules down"
is_active finwall-hook || fail "the hook's unit is not active after the upgrade"
flows_on
[ "$(lost)" = 0 ] || fail "$(lost) packets were lost"
journal >"$work/journal.log"
! grep 'without a verdict at exit' "$work/journal.log" || fail "packets had no verdict"
grep -q 'queues reused from the previous process' "$work/journal.log" || fail "no queue was reused"
grep -q 'dport 7000' "$root/etc/finwall/finwall.conf" || fail "the upgrade took the configuration away"
[ -e "$root/etc/finwall/finwall.conf.dpkg-dist" ] || fail "the new default configuration is not there"
echo "upgraded during a transfer: no packet lost, $((rounds_after - rounds_before)) rounds meanwhile"

# An upgrade with a configuration that is refused leaves the process that filters.
pid=$(property MainPID)
echo nonsense >>"$root/etc/finwall/finwall.conf"
install 0.1.0-2
grep -q 'refuses the configuration' "$work/dpkg.log" || fail "the reason for the missing restart is not printed"
[ "$(property MainPID)" = "$pid" ] || fail "a broken configuration was restarted into"
! answers 23 || fail "nothing is filtered after an upgrade with a broken configuration"
flows_on
sed -i '/^nonsense$/d' "$root/etc/finwall/finwall.conf"
in_machine systemctl restart finwalld || fail "it does not start again"
flows_on
[ "$(lost)" = 0 ] || fail "$(lost) packets were lost"
touch "$work/enough"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
cat "$work/echo.log"

# Removed: nothing runs, nothing filters; configuration and saved connections stay.
in_machine dpkg -r finwall >"$work/dpkg.log" 2>&1 || fail "dpkg -r fails"
hook_is_down 2>/dev/null || fail "hook rules stay after the removal"
! is_active finwalld || fail "it runs after the removal"
[ -z "$(holders)" ] || fail "somebody holds a queue after the removal"
answers 23 || fail "the machine is closed after the removal"
[ -e "$root/etc/finwall/finwall.conf" ] || fail "the removal took the configuration away"
[ -e "$root/var/lib/finwall/state" ] || fail "the removal took the saved connections away"
echo "removed; nothing is filtered"

# Purged: as if it had never been there, but for the user, whose number nobody else must get.
rm -f "$root/etc/finwall/finwall.conf.dpkg-dist"
in_machine dpkg --purge finwall >"$work/dpkg.log" 2>&1 || fail "dpkg --purge fails"
in_machine getent passwd finwall >/dev/null || fail "the purge took the user away"
state after
diff "$work/before" "$work/after" >"$work/left.log" || fail "the purge left something"
[ ! -e "$root/run/finwall" ] || fail "the purge left /run/finwall"
echo "purged; nothing left"

# And again, with the benchmarks.
in_machine sh -c 'dpkg -i /var/cache/finwall-test/finwall*_0.1.0-2_*.deb' >"$work/dpkg.log" 2>&1 ||
	fail "it cannot be installed again"
in_machine finwall-bench --help >/dev/null || fail "finwall-bench does not start"
in_machine dpkg --purge finwall finwall-bench >"$work/dpkg.log" 2>&1 || fail "dpkg --purge fails"
