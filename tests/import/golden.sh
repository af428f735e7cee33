#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# golden.sh CASE: what import-iptables makes of CASE.rules (or of the arguments in CASE.args) is
# CASE.conf, what it says is CASE.err; without a CASE.conf it has to refuse. FINWALL names the
# program; with UPDATE=1 the files are written anew.
set -eu
cd "$(dirname "$0")"
case=$1
args=$case.rules
if [ -f "$case.args" ]; then
	args=$(cat "$case.args")
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
code=0
# the arguments are words
# shellcheck disable=SC2086
"$FINWALL" import-iptables $args >"$dir/conf" 2>"$dir/err" || code=$?
if [ "${UPDATE:-}" = 1 ]; then
	rm -f "$case.conf"
	[ "$code" != 0 ] || cp "$dir/conf" "$case.conf"
	cp "$dir/err" "$case.err"
	exit 0
fi
if [ -f "$case.conf" ]; then
	wanted=0
	diff -u "$case.conf" "$dir/conf"
else
	wanted=1
	if [ -s "$dir/conf" ]; then
		echo "something was written although it was refused"
		exit 1
	fi
fi
diff -u "$case.err" "$dir/err"
if [ "$code" != "$wanted" ]; then
	echo "exit status $code, expected $wanted"
	exit 1
fi
