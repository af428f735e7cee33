#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A queue that another process holds: the second daemon logs which, exits with 2, and changes
# nothing.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables
ns_add host
cat >"$work/finwall.conf" <<'CONF'
settings {
	queue { num 5; count 1 }
}
CONF
daemon_start host "$work/finwall.conf"

status=0
ns host "$bin/finwalld" -c "$work/finwall.conf" -s "$work/second.sock" 2>"$work/second.log" || status=$?
[ "$status" = 2 ] || fail "the second daemon exited with $status"
grep -q "queue 5 is held by finwalld (pid $daemon_pid)" "$work/second.log" ||
	fail "the second daemon does not log which process holds the queue"
[ "$(wc -l <"$work/second.log")" = 1 ] || fail "more than one line"

queue_exists host 5 || fail "the first daemon lost its queue"
daemon_end
! queue_exists host 5 || fail "the queue is not closed"

# The queue is free again.
: >"$work/daemon.log"
daemon_start host "$work/finwall.conf"
daemon_end
