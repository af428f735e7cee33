#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rights of a daemon that root starts by hand: CAP_NET_ADMIN and CAP_NET_RAW, no_new_privs and a
# system call filter in each thread; the user finwall, if there is one that can use the files. With
# them every function still works: reload, log, saved state, raw packets, commands, new interfaces.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3 setpriv unshare
topo_pair client server
etc=$work/etc
var=$work/var
mkdir "$etc" "$var"

# The user of the test, in a private view of the user database.
{
	grep -v '^finwall:' /etc/passwd
	echo 'finwall:x:64999:64999::/nonexistent:/usr/sbin/nologin'
} >"$etc/passwd"
grep -v '^finwall:' /etc/passwd >"$etc/passwd.none"
cat >"$work/run.sh" <<'RUN'
# run.sh PASSWD COMMAND...: runs the command with another /etc/passwd.
mount --make-rprivate / && mount --bind "$1" /etc/passwd || exit 77
shift
exec "$@"
RUN
unshare -m sh "$work/run.sh" "$etc/passwd" true || skip "cannot mount"

config() {
	cat >"$etc/finwall.conf" <<CONF
settings {
	queue { num 0; count 2 }
	connections { late-close reject }
	state { interval 1s }
}
include "$etc/more.conf"
CONF
	cat >"$etc/more.conf" <<CONF
table inet finwall {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "new0" udp dport 9 counter drop
		udp dport 9 log prefix "$1"
	}
}
CONF
}

# start PASSWD: the daemon, in $work/var.
start() {
	: >"$work/daemon.log"
	ns_bg server unshare -m sh "$work/run.sh" "$1" "$bin/finwalld" -c "$etc/finwall.conf" \
		-s "$var/run/finwall.sock" -S "$var/state/state" 2>>"$work/daemon.log"
	daemon_pid=$bg_pid
	wait_until daemon_is_ready_or_gone
	! gone "$daemon_pid" || fail "finwalld ended"
}

# field PID NAME: a value of the process's or thread's status.
field() {
	awk -v name="$2:" '$1 == name { print $2 }' "$1/status"
}

# has_rights UID: every thread of the daemon has these rights.
has_rights() {
	for thread in "/proc/$daemon_pid/task/"*; do
		for want in "Uid:$1" CapInh:0000000000000000 CapPrm:0000000000003000 \
			CapEff:0000000000003000 CapBnd:0000000000003000 CapAmb:0000000000000000 \
			NoNewPrivs:1 Seccomp:2; do
			have=$(field "$thread" "${want%%:*}")
			[ "$have" = "${want#*:}" ] ||
				fail "$(field "$thread" Name): ${want%%:*} is $have, not ${want#*:}"
		done
	done
	[ "$(find "/proc/$daemon_pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 4 ] ||
		fail "not all threads"
	! grep ' rwx' "/proc/$daemon_pid/maps" || fail "memory that is writable and executable"
}

fw() {
	ns server "$bin/finwall" --socket "$var/run/finwall.sock" "$@"
}
send() {
	ns client python3 -c 'import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[1], 9))' "$1"
}

logs() {
	send 10.1.0.2
	log_has "^$1: IN="
}
saved() {
	[ -s "$var/state/state" ]
}
new_is_matched() {
	send 10.9.0.2
	fw show ruleset --counters | grep -q 'iifname "new0" udp dport 9 counter packets [1-9]'
}
sender_runs() {
	fw stats --output json | grep -q '"running": *true'
}
sender_restarted() {
	log_has '^finwalld: raw packet sender restarted'
}

# works UID: every function, as this user.
works() {
	has_rights "$1"
	wait_until logs "first"
	wait_until saved
	[ "$(stat -c %u "$var/state/state")" = "$1" ] || fail "the state file has another owner"
	config "second: "
	fw reload || fail "reload failed"
	wait_until logs "second"
	config "third: "
	kill -HUP "$daemon_pid"
	wait_until logs "third"
	echo nonsense >"$etc/more.conf"
	! fw reload 2>"$work/err" || fail "nonsense was loaded"
	grep -q 'more.conf:1:1: ' "$work/err" || fail "another error: $(cat "$work/err")"
	config "first: "
	ns_link client new1 10.9.0.1/24 - server new0 10.9.0.2/24 -
	wait_until new_is_matched
	fw list >"$work/list" || fail "list failed"
	fw import-conntrack >"$work/import" 2>&1 || true
	! grep -q 'not permitted\|not implemented' "$work/import" || fail "$(cat "$work/import")"
	# shellcheck disable=SC2016 # for awk
	sender=$(grep -l '^Name:.finwall-raw$' /proc/[0-9]*/status 2>/dev/null |
		xargs awk -v parent="$daemon_pid" \
			'$1 == "Pid:" { pid = $2 } $1 == "PPid:" && $2 == parent { print pid }')
	[ "$(field "/proc/$sender" CapEff)" = 0000000000000000 ] || fail "the sender has capabilities"
	[ "$(field "/proc/$sender" Seccomp)" = 2 ] || fail "the sender has no filter"
	kill -KILL "$sender"
	wait_until sender_restarted
	rm "$var/state/state"
	daemon_end
	saved || fail "no state was saved at the end"
	[ ! -e "$var/run/finwall.sock" ] || fail "the socket is left"
	! grep -Ev 'ready|loaded|prefault|raw packet sender|^(first|second|third): |stays root|expected|previous' \
		"$work/daemon.log" || fail "more was logged"
	ip -n "$ns_tag-client" link del new1
}

ns_queue server INPUT --queue-balance 0:1
ns_queue server OUTPUT --queue-balance 0:1

# No such user: root without root's capabilities.
config "first: "
start "$etc/passwd.none"
works 0
rm -rf "$var/run" "$var/state"

# The user cannot reach the files: root, and the log has the reason.
start "$etc/passwd"
log_has "^finwalld: stays root, without its capabilities: user finwall cannot use " ||
	fail "no reason was logged"
works 0
rm -rf "$var/run" "$var/state"

# The user can: the directories are made for it.
chmod 755 "$work" "$etc"
chmod 644 "$etc"/*
chmod 755 "$var"
start "$etc/passwd"
works 64999

# An include that it cannot read.
chmod 600 "$etc/more.conf"
start "$etc/passwd"
log_has "^finwalld: stays root, without its capabilities: user finwall cannot use $etc/finwall.conf:" ||
	fail "the unreadable include was not noticed"
daemon_end
chmod 644 "$etc/more.conf"

# With CAP_NET_ADMIN alone and a filter that refuses capset(), as under the unit.
cat >"$work/unit.py" <<'PY'
import ctypes, os, platform, struct, sys
capset = {"x86_64": 126, "aarch64": 91}[platform.machine()]
# load the number; equal to capset: EPERM, else allow
code = [(0x20, 0, 0, 0), (0x15, 0, 1, capset), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
filter = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *c) for c in code))
program = struct.pack("=H6xQ", len(code), ctypes.addressof(filter))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
PY
rm -rf "$var/run"
: >"$work/daemon.log"
ns_bg server unshare -m sh "$work/run.sh" "$etc/passwd.none" \
	setpriv --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin \
	python3 "$work/unit.py" "$bin/finwalld" -c "$etc/finwall.conf" \
	-s "$var/run/finwall.sock" -S none 2>>"$work/daemon.log"
daemon_pid=$bg_pid
wait_until daemon_is_ready_or_gone
! gone "$daemon_pid" || fail "finwalld ended"
[ "$(field "/proc/$daemon_pid" CapEff)" = 0000000000001000 ] || fail "other capabilities"
config "second: "
fw reload 2>"$work/err" || fail "reload failed: $(cat "$work/err")"
wait_until logs "second"
daemon_end
