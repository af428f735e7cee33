#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# strangers.sh FINWALL: the first message about each input in strangers/ is the one in strangers.out. It
# must name the cause and a way out by itself. With UPDATE=1 strangers.out is written again.
cd "$(dirname "$0")" || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for file in strangers/*.rules; do
	if "$1" import-iptables "$file" >/dev/null 2>"$out.err"; then
		echo "$file is converted"
	fi
	head -n 1 "$out.err"
done >"$out"
rm -f "$out.err"
if [ "${UPDATE:-}" = 1 ]; then
	cp "$out" strangers.out
fi
diff -u strangers.out "$out"
