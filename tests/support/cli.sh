# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line under test: sourced after netns.sh by tests whose daemon runs in the namespace
# "server" with its control socket at $sock.

# finwall ARG...: runs finwall; its output is $work/out, its errors $work/err.
finwall() {
	ns server "$bin/finwall" --socket "$sock" "$@" >"$work/out" 2>"$work/err"
}
# ends CODE ARG...: runs finwall, whose exit status must be CODE.
ends() {
	want=$1
	code=0
	shift
	finwall "$@" || code=$?
	[ "$code" = "$want" ] ||
		fail "finwall $*: exit status $code, not $want: $(cat "$work/out" "$work/err")"
}
out_has() {
	grep -Eq -- "$1" "$work/out" || fail "no \"$1\" in: $(cat "$work/out")"
}
err_has() {
	grep -Eq -- "$1" "$work/err" || fail "no \"$1\" in: $(cat "$work/err")"
}
