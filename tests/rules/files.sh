#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# files.sh RULES FINWALLD load|compare [PACKETS]: rule files as people write them, from files/.
#
# load: finwalld accepts every file that nft accepts, but for those that files/not-yet names. A file of
# not-yet that loads is an error too, so that the list gets shorter.
# compare: what finwall judges of each file that finwalld accepts gives the verdicts of the kernel, for
# PACKETS random packets. Needs root.
rules=$1
finwalld=$2
what=$3
packets=${4:-400}
dir=$(dirname "$0")/files
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
wrong=0
right=0

loads() {
	"$finwalld" -n -c "$1" >"$work/out" 2>&1
}

for file in "$dir"/*.nft; do
	name=$(basename "$file" .nft)
	is_left_out=$(grep -cx "$name" "$dir/not-yet")
	if [ "$what" = load ]; then
		if loads "$file"; then
			is_right=$((1 - is_left_out))
			echo "is in not-yet, and loads" >>"$work/out"
		else
			is_right=$is_left_out
		fi
	elif [ "$is_left_out" = 1 ]; then
		continue
	else
		# Not with "flush ruleset", which removes the rules that watch the verdicts.
		sed '/^flush ruleset/d' "$file" >"$work/$name.nft"
		"$rules" --own --packets "$packets" "$work/$name.nft" >"$work/out" 2>&1
		[ "$?" != 77 ] || { cat "$work/out"; exit 77; }
		# Not by the status: it fails for a file that accepts everything, too.
		is_right=$(grep -c "^$packets packets, .* 0 differences" "$work/out")
	fi
	if [ "$is_right" = 1 ]; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		printf '%s: %s\n' "$name" "$(tail -n 5 "$work/out")"
	fi
done
echo "$right files as expected, $wrong not; not yet: $(grep -c . "$dir/not-yet")"
[ "$wrong" = 0 ] && [ "$right" != 0 ]
