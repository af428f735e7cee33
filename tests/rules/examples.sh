#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# examples.sh FINWALLD [DIR]: the examples that Debian's package nftables installs: finwalld accepts each.
# The list below has those that it does not, with the reason.
finwalld=$1
dir=${2:-/usr/share/doc/nftables/examples}
[ -d "$dir" ] || {
	echo "SKIP: no $dir (package nftables)" >&2
	exit 77
}

# NAME: why it is refused
not_yet=''

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
right=0
wrong=0
for file in "$dir"/*.nft; do
	name=$(basename "$file" .nft)
	code=0
	"$finwalld" -n -c "$file" >"$out" 2>&1 || code=1
	want=0
	! printf '%s\n' "$not_yet" | grep -q "^$name: " || want=1
	if [ "$code" = "$want" ]; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		printf '%s: %s\n' "$name" "$([ "$want" = 0 ] && cat "$out" || echo 'loads, and is in the list')"
	fi
done
echo "$right examples as expected, $wrong not"
[ "$wrong" = 0 ] && [ "$right" != 0 ]
