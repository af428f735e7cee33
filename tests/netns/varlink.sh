#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The control protocol as Varlink: a client that knows only the protocol introspects it, calls every
# method that changes nothing, and compares each reply with the description. Permissions: a user
# outside the group is refused, a member may read and not write. A thousand clients that do harm.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 setpriv unshare
here=$(dirname "$0")
topo_pair client server
sock=$work/finwall.sock
conf=$work/finwall.conf
accepting_config '	set block {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}' >"$conf" <<'END'
	queue { num 7; count 1; latency on }
	connections { accounting on; max 5000; remember-max 1000 }
	control { group finwall-read }
END
# A group of the test, in a private view of the group database.
{
	grep -v '^finwall-read:' /etc/group
	echo 'finwall-read:x:64998:'
} >"$work/group"
cat >"$work/run.sh" <<'RUN'
mount --make-rprivate / && mount --bind "$1" /etc/group || exit 77
shift
exec "$@"
RUN
unshare -m sh "$work/run.sh" "$work/group" true || skip "cannot mount"
chmod 755 "$work"
ns_bg server unshare -m sh "$work/run.sh" "$work/group" "$bin/finwalld" -c "$conf" -s "$sock" \
	-S none 2>>"$work/daemon.log"
daemon_pid=$bg_pid
wait_until daemon_is_ready_or_gone
! gone "$daemon_pid" || fail "finwalld ended"
[ "$(stat -c '%a %g' "$sock")" = '660 64998' ] || fail "the socket: $(stat -c '%a %g' "$sock")"
# shellcheck source=tests/support/cli.sh
. "$here/../support/cli.sh"
ends 0 hook up
ns client python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.1.0.2", 9))'

python3 "$here/varlink.py" introspect "$sock" >"$work/varlink.log" 2>&1 || fail "introspection"
cat "$work/varlink.log"

# The member of the group reads, and is refused what changes something.
as() { # as GROUPS COMMAND...: as another user
	groups=$1
	shift
	code=0
	# shellcheck disable=SC2086
	setpriv --reuid 65534 --regid 65534 $groups "$bin/finwall" --socket "$sock" "$@" \
		>"$work/out" 2>"$work/err" || code=$?
}
for command in list 'list --count' stats 'show ruleset' 'set list' 'set list block'; do
	# shellcheck disable=SC2086
	as '--groups 64998' $command
	[ "$code" = 0 ] || fail "a member may not: $command: $(cat "$work/err")"
done
for command in reload confirm flush 'set add block 192.0.2.9' 'set flush block' 'stats --zero' \
	import-conntrack 'delete udp 10.1.0.1:1 10.1.0.2:9' 'delete --proto udp'; do
	# shellcheck disable=SC2086
	as '--groups 64998' $command
	[ "$code" = 1 ] || fail "a member: $command: exit status $code"
	err_has 'permission denied: run as root'
done
ends 0 set list block
out_has '^192\.0\.2\.1$'
as '--clear-groups' list
[ "$code" = 1 ] || fail "another user: exit status $code"
err_has 'run as root'
chmod 666 "$sock" # the permission of the file is not the only check
as '--clear-groups' list
[ "$code" = 1 ] || fail "another user, by the socket: exit status $code"
err_has 'permission denied'
chmod 660 "$sock"

# Harmful clients; packets and others do not notice.
python3 "$here/varlink.py" abuse "$sock" >"$work/varlink.log" 2>&1 || fail "abuse"
ends 0 stats
ns_ping client 10.1.0.2 || fail "no ping"
daemon_end
