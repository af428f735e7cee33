#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sets that rules fill: packets add elements, which are listed with their counters and the time that
# is left, expire, stay over a reload, and are changed by command. Concatenations by command.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables python3
topo_pair client server
conf=$work/finwall.conf
sock=$work/finwall.sock

write_conf() { # write_conf POLICY_OF_SEEN
	cat >"$conf" <<CONF
settings {
	queue { num 0; count 2; on-absent drop }
}
table inet finwall {
	set seen { type ipv4_addr; flags dynamic, timeout; timeout $1; }
	set short { type ipv4_addr; flags dynamic, timeout; timeout 1s; }
	set pairs { type ipv4_addr . inet_service; flags interval; elements = { 192.0.2.1 . 22 }; }
	set banned { type ipv4_addr; flags timeout; elements = { 192.0.2.9 timeout 1h }; }
	chain input {
		type filter hook input priority filter; policy accept;
		ip saddr @banned drop
		icmp type echo-request add @seen { ip saddr counter }
		icmp type echo-request update @short { ip saddr }
	}
}
CONF
}
write_conf 1h

# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

daemon_start server "$conf"
ns_queue server INPUT --queue-balance 0:1

is_listed() { # is_listed SET PATTERN
	ends 0 set list "$1"
	grep -Eq -- "$2" "$work/out"
}
is_empty() { # is_empty SET
	ends 0 set list "$1"
	[ ! -s "$work/out" ]
}

# Packets add.
ends 0 set list seen
[ ! -s "$work/out" ] || fail "seen is not empty at first"
ns client ping -q -c 3 -i 0.2 -W 5 "10.1.0.2" >/dev/null || fail "ping"
is_listed seen "^10.1.0.1 counter packets 3 bytes 252 expires (1h|59m[0-9]+s)" ||
	fail "seen: $(cat "$work/out")"
ends 0 set list
out_has '^seen +ipv4_addr +inet finwall +1 +1 +0$'

# They expire.
wait_until is_empty short

# They stay over a reload, unless the set has changed.
ends 0 reload
is_listed seen "^10.1.0.1 counter packets 3 " || fail "after a reload: $(cat "$work/out")"
ns client ping -q -c 1 -W 5 "10.1.0.2" >/dev/null || fail "ping after a reload"
is_listed seen "^10.1.0.1 counter packets 4 " || fail "seen: $(cat "$work/out")"
write_conf 2h
ends 0 reload
is_empty seen || fail "another set has the elements: $(cat "$work/out")"

# Commands.
ends 0 set add seen 192.0.2.5 timeout 5m
is_listed seen '^192\.0\.2\.5 timeout 5m expires (5m|4m5[0-9]s)' || fail "seen: $(cat "$work/out")"
ends 0 set delete seen 192.0.2.5
is_empty seen || fail "deleted: $(cat "$work/out")"
ends 1 set delete seen 192.0.2.5
err_has 'is not in set seen'
ends 1 set add seen 192.0.2.0/24
err_has 'an interval, which set seen cannot have'
ends 0 set add pairs '{ 192.0.2.2 . 80, 10.0.0.0/8 . 1000-2000 }'
is_listed pairs '^10\.0\.0\.0/8 \. 1000-2000$' || fail "pairs: $(cat "$work/out")"
ends 1 set add pairs 192.0.2.2
err_has 'has 2 parts'
ends 0 set delete pairs 10.0.0.0/8 . 1000-2000
ends 1 set add pairs 192.0.2.2 . 81 timeout 5m
err_has 'has no timeouts'
ends 1 set add banned 192.0.2.2 timeout soon
err_has 'is not a time'

# A ban with a timeout.
ends 0 set add banned "10.1.0.1" timeout 2s
ns client ping -q -c 1 -W 1 "10.1.0.2" >/dev/null && fail "a banned address passes"
answers() { ns client ping -q -c 1 -W 1 "10.1.0.2" >/dev/null; }
wait_until answers
ends 0 set flush banned
is_empty banned || fail "flushed: $(cat "$work/out")"
