#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# golden.sh CASE: import-iptables converts CASE.rules (or the arguments in CASE.args) to CASE.conf and
# prints CASE.err; without a CASE.conf it must fail. FINWALL is the program; UPDATE=1 writes the files
# again.
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
# split the arguments into words
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
		echo "the conversion failed, but printed a configuration"
		exit 1
	fi
fi
diff -u "$case.err" "$dir/err"
if [ "$code" != "$wanted" ]; then
	echo "exit status $code, expected $wanted"
	exit 1
fi
