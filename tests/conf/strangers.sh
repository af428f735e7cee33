#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# strangers.sh FINWALLD: the first message about each file in strangers/, of people who write rules for
# the first time, is the one in strangers.out. It must name the cause and a way out by itself. With
# UPDATE=1 strangers.out is written again.
cd "$(dirname "$0")" || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$out" "$out.err"' EXIT
for file in strangers/*.nft; do
	if "$1" -n -c "$file" >"$out.err" 2>&1; then
		echo "$file loads"
	fi
	head -n 1 "$out.err"
done >"$out"
if [ "${UPDATE:-}" = 1 ]; then
	cp "$out" strangers.out
fi
diff -u strangers.out "$out"
