#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tries.sh SCRIPT [ARG...]: runs a test of the network namespaces. They meet the real kernel, and
# now and then a packet of its own, a slow start or another program's load makes one fail that has
# nothing wrong. With FINWALL_SECOND_TRY=FD in the environment (scripts/test.sh sets it to a copy of
# its own output) a failed test gets one more try, and the output of the first one is written there, so
# that nobody misses it. Without, as under ctest alone, there is one try.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

if [ -z "$FINWALL_SECOND_TRY" ]; then
	sh "$@"
	exit
fi
sh "$@" >"$out" 2>&1
rc=$?
cat "$out"
if [ "$rc" = 0 ] || [ "$rc" = 77 ]; then
	exit "$rc"
fi
{
	printf '%s failed and is tried once more. Output of the first try:\n' "$*"
	tail -n 40 "$out"
} >&"$FINWALL_SECOND_TRY"
sh "$@"
