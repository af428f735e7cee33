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
# shellcheck source=tests/support/not_yet.sh
. "$(dirname "$0")/../support/not_yet.sh"
not_yet_begin "$dir"

# compare NAME [ARG...]: true if finwall and the kernel agree about $work/NAME.nft.
compare() {
	name=$1
	shift
	"$rules" --own --packets "$packets" "$@" "$work/$name.nft" >"$work/out" 2>&1
	[ "$?" != 77 ] || { cat "$work/out"; exit 77; }
	verdicts_are_equal "$packets"
}

for file in "$dir"/*.nft; do
	name=$(basename "$file" .nft)
	if [ "$what" = load ]; then
		"$finwalld" -n -c "$file" >"$work/out" 2>&1
		not_yet_load "$name" $?
	elif ! is_not_yet "$name"; then
		# Not with "flush ruleset", which removes the rules that watch the verdicts.
		sed '/^flush ruleset/d' "$file" >"$work/$name.nft"
		# Under load a message of the kernel can be late; a difference is there again.
		compare "$name" || compare "$name" --seed "$(sed -n 's/^seed //p' "$work/out")"
		not_yet_count "$name" $?
	fi
done
not_yet_end files
