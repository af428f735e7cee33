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
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
wrong=0
right=0

# The sets of ipset are in a file beside the save.
loads() {
	set -- "$1" "${1%.*}.ipset"
	[ -f "$2" ] || set -- "$1"
	"$finwall" import-iptables "$@" >"$work/conf" 2>"$work/out" &&
		"$finwalld" -n -c "$work/conf" >>"$work/out" 2>&1
}

for file in "$dir"/*.v4 "$dir"/*.v6; do
	name=$(basename "$file")
	is_left_out=$(grep -cx "$name" "$dir/not-yet")
	if [ "$what" = load ]; then
		if loads "$file"; then
			is_right=$((1 - is_left_out))
			echo "is in not-yet, and is converted" >>"$work/out"
		else
			is_right=$is_left_out
		fi
	elif [ "$is_left_out" = 1 ]; then
		continue
	else
		"$rules" --packets "$packets" "$file" >"$work/out" 2>&1
		[ "$?" != 77 ] || { cat "$work/out"; exit 77; }
		is_right=$(grep -c "^$packets packets, .* 0 differences" "$work/out")
	fi
	if [ "$is_right" = 1 ]; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		printf '%s: %s\n' "$name" "$(tail -n 6 "$work/out")"
	fi
done
echo "$right saves as expected, $wrong not; not yet: $(grep -c . "$dir/not-yet")"
[ "$wrong" = 0 ] && [ "$right" != 0 ]
