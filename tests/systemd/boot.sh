#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The units under a real systemd, the first process of a namespace with a Debian of its own: a boot
# with a broken configuration, readiness and hook rules, rights, reload, restarts under load, the
# watchdog, a kill, the ways to stop. Longer than the other tests, and it wants a Debian to boot, so
# it is not part of ctest:
#
#	sudo tests/systemd/boot.sh BUILD_DIR [ROOT]
#
# BUILD_DIR: built for the prefix /usr, with /etc and /var. ROOT: a clean Debian root folder with the
# packages below, which is copied; without it, debootstrap makes one: a minute, and the network.
FINWALL_BIN=$1/bin
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
build=$1
echo=$(dirname "$0")/../support/echo.py
hello=$(dirname "$0")/../support/hello.py
packages=systemd,dbus,iproute2,iptables,nftables,libmnl0,libnetfilter-queue1,libnfnetlink0
packages=$packages,libevent-core-2.1-7,libevent-extra-2.1-7,libjansson4,libpcap0.8

netns_begin unshare nsenter chroot python3 iptables
# shellcheck source=tests/support/machine.sh
. "$(dirname "$0")/../support/machine.sh"

machine_root "$packages" "${2-}"
DESTDIR=$root cmake --install "$build" >"$work/install.txt" || fail "cannot install"
conf=$root/etc/finwall/finwall.conf
cat >"$work/good.conf" <<'CONF'
settings {
	queue { num 0; count 2; on-absent drop }
	hook { admin-port 22 }
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
chroot "$root" systemctl enable finwalld.service finwall-guard.service >/dev/null 2>&1 ||
	fail "cannot enable the units"

# A machine that boots with a broken configuration is closed, but for the administrator's port.
echo nonsense >"$conf"
machine_boot
topo_pair client server
ns_bg server python3 "$hello" serve 22 23
# answers ADDRESS PORT: a server there sends its greeting.
answers() {
	ns client python3 "$hello" ask "$1" "$2" 2>/dev/null
}
no_ping() {
	! ns_ping client 10.1.0.2
}
# is_closed: only the administrator's port can be reached.
is_closed() {
	answers 10.1.0.2 22 || fail "$1: the administrator is locked out"
	answers fd01::2 22 || fail "$1: the administrator is locked out by IPv6"
	! answers 10.1.0.2 23 || fail "$1: the machine is open"
	! answers fd01::2 23 || fail "$1: the machine is open by IPv6"
	no_ping || fail "$1: the machine answers"
}
expect has_failed finwalld
expect has_failed finwall-hook
hook_is_up || fail "no rules after a boot with a broken configuration"
expect answers 10.1.0.2 22
is_closed "a boot with a broken configuration"
cp "$work/good.conf" "$conf"
in_machine systemctl start finwalld || fail "it does not start"
echo "a broken configuration closes the machine, but for port 22"

expect is_active finwall-hook
hook_is_up || fail "no hook rules"
ns server iptables -w -S FINWALL_FORWARD 2>/dev/null && fail "the guard's rules are still there"
pid=$(property MainPID)
status_is() {
	[ "$(property StatusText)" = "$1" ]
}
expect status_is Filtering
echo "ready as process $pid"

# CAP_NET_ADMIN alone, a user of its own; in the machine's own numbers.
in_machine grep -q '^CapEff:	0000000000001000$' "/proc/$pid/status" ||
	fail "other rights: $(in_machine grep '^CapEff' "/proc/$pid/status")"
[ "$(in_machine stat -c %U /run/finwall/finwall.sock)" = finwall ] || fail "not its own user"
in_machine systemd-analyze security --no-pager --threshold=12 finwalld >"$work/security.txt" ||
	fail "its exposure is above 1.2: $(tail -n 1 "$work/security.txt")"
tail -n 1 "$work/security.txt"
in_machine finwall stats >"$work/stats.log" || fail "no control socket"
grep -q '^waiting ' "$work/stats.log" || fail "the kernel's numbers of the queues are hidden from it"
! answers 10.1.0.2 22 || fail "the administrator's port is past the rules of a daemon that runs"

ns_bg server python3 "$echo" serve 10.1.0.2 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
ns_bg client python3 "$echo" send 10.1.0.2 "$work/enough" "$work/rounds" >"$work/echo.log" 2>&1
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

# Reload: a good one and an invalid one, which is reported and changes nothing.
sed -i 's/icmp type echo-request accept/icmp type echo-request drop/' "$conf"
in_machine systemctl reload finwalld || fail "reload failed"
expect no_ping
sed -i 's/icmp type echo-request drop/icmp type echo-request accept/' "$conf"
echo nonsense >>"$conf"
in_machine systemctl reload finwalld 2>/dev/null && fail "a bad configuration was reloaded"
journal | grep -q 'finwall.conf:.*nonsense' || fail "the error is not in the journal"
is_active finwalld || fail "a bad configuration ended it"
no_ping || fail "a bad configuration is in force"
[ "$(property StatusText)" = "Last reload failed, the previous configuration stays in force" ] ||
	fail "after a bad reload its status is: $(property StatusText)"
cp "$work/good.conf" "$conf"
in_machine systemctl reload finwalld || fail "reload failed after a bad one"
expect ns_ping client 10.1.0.2
status_is Filtering || fail "after a good reload: $(property StatusText)"
[ "$(property MainPID)" = "$pid" ] || fail "reload was a restart"
flows_on
echo "reloaded; a bad configuration is refused, and the reload fails"

# Restarts: the same queues, the hook rules untouched, the connection too.
hook_since() {
	in_machine systemctl show -p ActiveEnterTimestampMonotonic --value finwall-hook
}
hook_started=$(hook_since)
same_hook() {
	hook_is_up || fail "the hook rules went with $1"
	[ "$(hook_since)" = "$hook_started" ] || fail "the hook's unit was restarted by $1"
}
holder=$(queue_column server 0 2)-$(queue_column server 1 2)
run=0
while [ $run -lt 5 ]; do
	in_machine systemctl restart finwalld || fail "restart failed"
	same_hook "a restart"
	[ "$holder" = "$(queue_column server 0 2)-$(queue_column server 1 2)" ] ||
		fail "the queues have other holders"
	flows_on
	run=$((run + 1))
done
journal | grep -q 'loaded .* remembered connections' || fail "no state was loaded"
[ "$(property NRestarts)" = 0 ] || fail "it restarted by itself"
echo "5 restarts with the same queues"

# Hook rules that are removed are installed again, also after a crash of what installs them.
! answers 10.1.0.2 23 || fail "the rules let port 23 in"
ns server iptables -w -F
sleep 1
hook_is_up || fail "removed hook rules are not back after a second"
expect status_is Filtering
in_machine systemctl restart finwall-hook &
restart_pid=$!
while kill -0 $restart_pid 2>/dev/null; do
	hook_is_up || fail "a restart of the hook's unit removed the hook rules"
done
expect is_active finwall-hook
in_machine systemctl kill -s KILL finwall-hook
hook_is_up || fail "a crash of the hook's unit removed the hook rules"
expect is_active finwall-hook
ns server iptables -w -F
expect hook_is_up
expect status_is Filtering
in_machine finwall hook down || fail "hook down failed"
sleep 2
hook_is_down || fail "what hook down removed is back"
in_machine finwall hook up || fail "hook up failed"
expect status_is Filtering
hook_started=$(hook_since)
flows_on
echo "removed hook rules are installed again"

# A process that hangs is killed, and the next one takes over.
restarted() {
	[ "$(property NRestarts)" = "$1" ] && is_active finwalld
}
# kill_it SIGNAL
kill_it() {
	in_machine sh -c "kill -$1 $(property MainPID)"
}
kill_it STOP
stopped_at=$(date +%s)
expect restarted 1
echo "the watchdog took $(($(date +%s) - stopped_at)) s"
journal | grep -i watchdog || fail "no watchdog in the journal"
flows_on
kill_it KILL
expect restarted 2
flows_on
[ "$holder" = "$(queue_column server 0 2)-$(queue_column server 1 2)" ] ||
	fail "after a kill the queues have other holders"
same_hook "a kill"

touch "$work/enough"
wait "$echo_pid" || fail "the transfer did not survive: $(cat "$work/echo.log")"
cat "$work/echo.log"

# A restart into a broken configuration: closed, but for the administrator.
echo nonsense >>"$conf"
in_machine systemctl restart finwalld 2>/dev/null && fail "it started with a broken configuration"
expect has_failed finwalld
same_hook "a failed restart"
is_closed "a restart into a broken configuration"
cp "$work/good.conf" "$conf"
in_machine systemctl start finwalld || fail "it does not start again"
expect ns_ping client 10.1.0.2
same_hook "a start"

# A restart with a setting that needs raw packets.
sed -i 's/tcp { loose off }/tcp { loose off }; connections { on-idle probe }/' "$conf"
in_machine systemctl restart finwalld || fail "restart failed"
journal | tail -5 | grep 'cannot send raw packets' && fail "no raw packets in spite of the right"

# A stop by hand: the setting on-stop decides. As it is by default the machine is open then.
gone_queues() {
	! queue_exists server 0 && ! queue_exists server 1
}
! answers 10.1.0.2 23 || fail "the rules let port 23 in"
in_machine systemctl stop finwalld || fail "stop failed"
expect gone_queues
hook_is_down || fail "a stop leaves the hook rules"
! is_active finwall-hook || fail "the unit of the hook rules is active"
answers 10.1.0.2 23 || fail "the machine is closed after a stop"
in_machine systemctl start finwalld || fail "start failed"
expect is_active finwall-hook
hook_is_up || fail "no hook rules after a stop and a start"
# Kept: closed.
sed -i 's/admin-port 22/admin-port 22; on-stop keep/' "$conf"
in_machine systemctl reload finwalld || fail "reload failed"
in_machine systemctl stop finwalld || fail "stop failed"
expect gone_queues
hook_is_up || fail "on-stop keep takes the hook rules down"
is_closed "a stop with on-stop keep"
in_machine systemctl start finwalld || fail "start failed"
expect ns_ping client 10.1.0.2
echo "a stop follows on-stop"

# The end: no rules, no queues, nobody.
in_machine systemctl stop finwall-hook finwalld
expect hook_is_down
expect gone_queues
! is_active finwalld || fail "it does not stop"
! is_active finwall-hook || fail "the hook does not stop"
[ "$(property Result)" = success ] || fail "the stop was not clean"
echo "stopped, nothing left"
