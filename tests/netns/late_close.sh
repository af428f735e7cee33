#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The case of scripts/try.sh, also with the firewall on a gateway, and without a firewall: segments
# that the others drop arrive then.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # ctest calls all scripts here with sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/support/netns.sh
. "$here/../support/netns.sh"
# shellcheck source=tests/support/late_close.sh
. "$here/../support/late_close.sh"

netns_begin ip ss iptables ip6tables conntrack awk sysctl

wrong=0

# check_closes BED FIREWALL: all eight closes end in the expected states.
check_closes() {
	local what who how family states count=0
	while read -r what who how family states; do
		[[ $what == close ]] || continue
		count=$((count + 1))
		if [[ $states != "$(lc_expected "$2" "$how")" ]]; then
			echo "$1: $who closes by $how over $family: $states," \
				"expected $(lc_expected "$2" "$how")"
			wrong=$((wrong + 1))
		fi
	done <"$work/$1/result"
	if ((count != 8)); then
		echo "$1: $count closes instead of 8"
		wrong=$((wrong + 1))
	fi
}

# check_scan BED FIREWALL: a firewall drops and counts every segment; without one every segment
# passes.
check_scan() {
	local sent passed dropped dropped_want passed_want=0
	read -r _ sent passed dropped < <(grep '^scan' "$work/$1/result")
	[[ $2 != none ]] || passed_want=$sent
	dropped_want=$((sent - passed_want))
	if ((sent == 0 || passed != passed_want || dropped != dropped_want)); then
		echo "$1: scan of $sent: $passed passed, $dropped dropped"
		wrong=$((wrong + 1))
	fi
}

firewalls='none kernel strict remembered restarted verify'
for topology in host gateway; do
	for firewall in $firewalls; do
		lc_start "$topology-$firewall" "$topology" "$firewall"
	done
done
for topology in host gateway; do
	for firewall in $firewalls; do
		if ! lc_wait "$topology-$firewall"; then
			wrong=$((wrong + 1))
			continue
		fi
		check_closes "$topology-$firewall" "$firewall"
		check_scan "$topology-$firewall" "$firewall"
	done
done
((wrong == 0)) || fail "$wrong differences"
echo "96 closes and 12 scans as expected"
