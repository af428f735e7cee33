#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# saves.sh FINWALL FINWALLD load | saves.sh FINWALL FINWALLD compare RULES [PACKETS]: saves of iptables
# in saves/, most of them made by ufw, firewalld, shorewall, docker and fail2ban.
#
# load: each is converted completely, and finwalld accepts the result, but for those that
# saves/not-yet names. A save of not-yet that is converted is an error too.
# compare: each save that is converted gives the verdicts of the kernel with table filter of the same
# save, for PACKETS random packets. Needs root.
finwall=$1
finwalld=$2
what=$3
rules=${4:-}
packets=${5:-400}
dir=$(dirname "$0")/saves
# shellcheck source=tests/support/not_yet.sh
. "$(dirname "$0")/../support/not_yet.sh"
not_yet_begin "$dir"

# The sets of ipset are in a file beside the save.
loads() {
	set -- "$1" "${1%.*}.ipset"
	[ -f "$2" ] || set -- "$1"
	"$finwall" import-iptables "$@" >"$work/conf" 2>"$work/out" &&
		"$finwalld" -n -c "$work/conf" >>"$work/out" 2>&1
}

for file in "$dir"/*.v4 "$dir"/*.v6; do
	name=$(basename "$file")
	if [ "$what" = load ]; then
		loads "$file"
		not_yet_load "$name" $?
	elif ! is_not_yet "$name"; then
		"$rules" --packets "$packets" "$file" >"$work/out" 2>&1
		[ "$?" != 77 ] || { cat "$work/out"; exit 77; }
		verdicts_are_equal "$packets"
		not_yet_count "$name" $?
	fi
done
not_yet_end saves
