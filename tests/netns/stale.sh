#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netns.sh itself: the next test removes the namespaces of a test that was killed by SIGKILL, and
# ends the processes in them. Namespaces of a running test stay.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
library=$(dirname "$0")/../support/netns.sh

netns_begin
# a_test FILE: starts a test that makes a namespace, runs a process in it and waits; FILE gets their
# IDs.
a_test() {
	sh -c '. "$1"; netns_begin; ns_add stale; ns_bg stale sleep 1000; echo "$$ $bg_pid" >"$2"; wait' \
		"$0" "$library" "$1" &
	bg_pids="$bg_pids $!"
	wait_until test -s "$1"
	read -r test_pid sleep_pid <"$1"
}
has_namespace() {
	ip netns list | grep -q "^fw$1-stale\>"
}

a_test "$work/killed"
dead_pid=$test_pid
dead_sleep=$sleep_pid
kill -KILL "$dead_pid"
wait "$dead_pid" 2>/dev/null || true
has_namespace "$dead_pid" || fail "the killed test left no namespace"
! gone "$dead_sleep" || fail "the killed test left no process"
a_test "$work/alive"
! has_namespace "$dead_pid" || fail "the namespace of the killed test is not removed"
wait_until gone "$dead_sleep"
sweep_stale
has_namespace "$test_pid" || fail "the namespace of the running test is removed"
kill -TERM "$test_pid"
wait "$test_pid" 2>/dev/null || true
! has_namespace "$test_pid" || fail "a test that ends by SIGTERM leaves its namespace"
