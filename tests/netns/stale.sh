#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The library of these tests itself: a test that is killed outright leaves its namespaces behind, with
# what runs in them; the next one takes them away, and those of a test that still runs it leaves alone.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
library=$(dirname "$0")/../support/netns.sh

netns_begin
# a_test: one that makes a namespace, starts something in it, says so and waits.
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

a_test "$work/dead"
dead_pid=$test_pid
dead_sleep=$sleep_pid
kill -KILL "$dead_pid"
wait "$dead_pid" 2>/dev/null || true
has_namespace "$dead_pid" || fail "no namespace is left to take away"
! gone "$dead_sleep" || fail "nothing is left to end"
a_test "$work/alive"
! has_namespace "$dead_pid" || fail "the namespace of the dead test is still there"
wait_until gone "$dead_sleep"
sweep_stale
has_namespace "$test_pid" || fail "the namespace of the living test was taken away"
kill -TERM "$test_pid"
wait "$test_pid" 2>/dev/null || true
! has_namespace "$test_pid" || fail "a test that is ended leaves its namespace"
