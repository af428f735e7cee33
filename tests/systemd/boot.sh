#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The units under a real systemd, the first process of a namespace with a Debian of its own:
# readiness and hook rules, rights, reload, restarts under load, the watchdog, a kill, the stop.
# Longer than the other tests, and it wants a Debian to boot, so it is not part of ctest:
#
#	sudo tests/systemd/boot.sh BUILD_DIR [ROOT]
#
# BUILD_DIR: built for the prefix /usr. ROOT: a Debian root folder with the packages below; without
# it, debootstrap makes one, which takes a minute and the network.
# shellcheck source=tests/support/netns.sh
FINWALL_BIN=$1/bin
. "$(dirname "$0")/../support/netns.sh"
build=$1
root=${2-}
echo=$(dirname "$0")/../support/echo.py
packages=systemd,dbus,iproute2,iptables,nftables,libmnl0,libnetfilter-queue1,libnfnetlink0
packages=$packages,libevent-core-2.1-7,libevent-extra-2.1-7,libjansson4,libpcap0.8

netns_begin unshare nsenter chroot python3 iptables
own_root=
init_pid=
machine_end() {
	status=$?
	set +e
	[ -z "$init_pid" ] || kill -KILL "$init_pid" 2>/dev/null
	[ -z "$own_root" ] || { wait_for_umount && rm -rf --one-file-system "$own_root"; }
	(exit "$status")
	netns_end
}
# The mounts are the dead namespace's; a moment later they are nobody's.
wait_for_umount() {
	! grep -qs "$own_root" /proc/mounts
}
trap machine_end EXIT

if [ -z "$root" ]; then
	own_root=$(mktemp -d /var/tmp/finwall-root.XXXXXX)
	root=$own_root
	debootstrap --variant=minbase --include=$packages bookworm "$root" >"$work/debootstrap.txt" ||
		skip "debootstrap does not work here"
fi
DESTDIR=$root cmake --install "$build" >"$work/install.txt" || fail "cannot install"
cat >"$root/etc/finwall/finwall.conf" <<'CONF'
settings {
	queue { num 0; count 2; on-absent drop }
	tcp { loose off }
}
table inet finwall {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		tcp dport 7000 tcp flags & (fin|syn|rst|ack) == syn accept
		icmp type echo-request accept
		meta l4proto ipv6-icmp accept
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
CONF
rm -rf "$root/var/lib/finwall" "$root/var/log/journal"
rm -f "$root/etc/systemd/system/finwalld.service.d/"*.conf
chroot "$root" systemctl enable finwalld.service >/dev/null 2>&1 || fail "cannot enable the unit"

# in_machine COMMAND...
in_machine() {
	nsenter -t "$init_pid" -m -u -i -n -p -C chroot "$root" "$@"
}

# The machine: its first process has this script's environment taken away.
unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child sh -c '
	root=$1
	mount --make-rprivate / && mount --bind "$root" "$root" &&
		mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/run" &&
		mount -t tmpfs tmpfs "$root/tmp" && mount -t sysfs -o ro sysfs "$root/sys" &&
		mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" &&
		exec env -i container=finwall-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			chroot "$root" /lib/systemd/systemd
' sh "$root" >"$work/boot.log" 2>&1 </dev/null &
unshare_pid=$!
bg_pids="$bg_pids $unshare_pid"
has_init() {
	init_pid=$(cat "/proc/$unshare_pid/task/$unshare_pid/children" 2>/dev/null)
	init_pid=${init_pid% }
	[ -n "$init_pid" ] && in_machine test -S /run/systemd/private
}
wait_sec=20
wait_until has_init
ip netns attach "$ns_tag-server" "$init_pid"
ns_names="$ns_names server"
is_active() {
	in_machine systemctl is-active "$1"
}
# On failure, the journal says why.
journal() {
	in_machine journalctl -o cat -u finwalld -u finwall-hook "$@" 2>/dev/null
}
expect() {
	if ! (wait_until "$@" 2>/dev/null); then
		journal | tail -40 >"$work/journal.log" || true
		in_machine systemctl status finwalld finwall-hook >>"$work/journal.log" 2>&1 || true
		fail "waited in vain for: $*"
	fi
}
property() {
	in_machine systemctl show -p "$1" --value finwalld
}
hook_is_up() {
	[ "$(ns server iptables -w -S | grep -c NFQUEUE)" -gt 0 ] ||
		ns server nft list table inet finwall_hook
}
hook_is_down() {
	! hook_is_up
}

expect is_active finwalld
expect is_active finwall-hook
hook_is_up || fail "no hook rules"
pid=$(property MainPID)
echo "ready as process $pid"

# One right, a user of its own; in the machine's own numbers.
in_machine grep -q '^CapEff:	0000000000001000$' "/proc/$pid/status" || fail "more or less than one right"
[ "$(in_machine stat -c %U /run/finwall/finwall.sock)" = finwall ] || fail "not its own user"
in_machine finwall stats >"$work/stats.log" || fail "no control socket"

ns_add client
ns_link client eth0 10.1.0.1/24 fd01::1/64 server eth0 10.1.0.2/24 fd01::2/64
ns client sysctl -qw net.ipv4.ping_group_range="0 2147483647"
ns_bg server python3 "$echo" serve >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$echo" send "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
echo_pid=$bg_pid
flows_on() {
	expect test -s "$work/rounds"
	flow_from=$(cat "$work/rounds")
	expect rounds_beyond $((flow_from + 50))
}
rounds_beyond() {
	[ "$(cat "$work/rounds")" -gt "$1" ]
}
flows_on
ns_ping client 10.1.0.2 || fail "ping does not pass"

# Reload: a good one and a bad one.
sed -i 's/icmp type echo-request accept/icmp type echo-request drop/' "$root/etc/finwall/finwall.conf"
in_machine systemctl reload finwalld || fail "reload failed"
no_ping() {
	! ns_ping client 10.1.0.2
}
expect no_ping
echo nonsense >>"$root/etc/finwall/finwall.conf"
! in_machine systemctl reload finwalld 2>/dev/null || [ "$(property Type)" = notify-reload ] ||
	fail "a bad configuration was reloaded"
expect is_active finwalld
sed -i '/^nonsense$/d' "$root/etc/finwall/finwall.conf"
[ "$(property MainPID)" = "$pid" ] || fail "reload was a restart"
flows_on
echo "reloaded; a bad configuration is refused"

# Restarts: the same queues, the hook rules untouched, the connection too.
holder=$(queue_column server 0 2)-$(queue_column server 1 2)
run=0
while [ $run -lt 5 ]; do
	in_machine systemctl restart finwalld || fail "restart failed"
	hook_is_up || fail "the hook rules went with a restart"
	[ "$holder" = "$(queue_column server 0 2)-$(queue_column server 1 2)" ] ||
		fail "the queues have other holders"
	flows_on
	run=$((run + 1))
done
journal | grep -q 'connections and .* taken over' || fail "no state was taken over"
[ "$(property NRestarts)" = 0 ] || fail "it restarted by itself"
echo "5 restarts with the same queues"

# A process that hangs is killed, and the next one takes over.
restarted() {
	[ "$(property NRestarts)" = "$1" ] && is_active finwalld
}
hook_since() {
	in_machine systemctl show -p ActiveEnterTimestampMonotonic --value finwall-hook
}
hook_started=$(hook_since)
in_machine kill -STOP "$(property MainPID)"
stopped_at=$(date +%s)
expect restarted 1
echo "the watchdog took $(($(date +%s) - stopped_at)) s"
journal | grep -i watchdog || fail "the journal says nothing of the watchdog"
flows_on
in_machine kill -KILL "$(property MainPID)"
expect restarted 2
flows_on
[ "$holder" = "$(queue_column server 0 2)-$(queue_column server 1 2)" ] ||
	fail "after a kill the queues have other holders"
hook_is_up && [ "$(hook_since)" = "$hook_started" ] || fail "the hook rules went with a kill"

touch "$work/enough"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
cat "$work/echo.log"

# A start and stop with raw packets allowed, as the example says.
mkdir -p "$root/etc/systemd/system/finwalld.service.d"
cp "$root/usr/share/doc/finwall/examples/raw-packets.conf" "$root/etc/systemd/system/finwalld.service.d/"
sed -i 's/tcp { loose off }/tcp { loose off }; connections { on-idle probe }/' "$root/etc/finwall/finwall.conf"
in_machine systemctl daemon-reload
in_machine systemctl restart finwalld || fail "restart failed"
journal -b | tail -5 | grep 'cannot send raw packets' && fail "no raw packets in spite of the right"

# The end: no rules, no queues, nobody.
in_machine systemctl stop finwall-hook finwalld
expect hook_is_down
gone_queues() {
	! queue_exists server 0 && ! queue_exists server 1
}
expect gone_queues
! is_active finwalld >/dev/null || fail "it does not stop"
! is_active finwall-hook >/dev/null || fail "the hook does not stop"
[ "$(property Result)" = success ] || fail "the stop was not clean"
echo "stopped, nothing left"
