# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For tests over a directory of files, of which a list names those that do not pass yet:
#
#	not_yet_begin DIR            # DIR/not-yet is the list; the test's files are in $work
#	not_yet_load NAME STATUS     # for each file: STATUS of the attempt to load it
#	not_yet_count NAME STATUS    # or 0 if it was judged as by the kernel; output is in $work/out
#	not_yet_end WHAT             # prints the totals; fails if one was not as expected
#
# A file of the list that passes is an error too, so that the list gets shorter.
not_yet_begin() {
	not_yet=$1/not-yet
	right=0
	wrong=0
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
}

# is_not_yet NAME: true for a file of the list.
is_not_yet() {
	grep -qx "$1" "$not_yet"
}

# verdicts_are_equal PACKETS: true if the run of tests/rules/rules in $work/out has no difference. Not
# by its status: that fails for rules that accept everything, too.
verdicts_are_equal() {
	grep -q "^$1 packets, .* 0 differences" "$work/out"
}

not_yet_load() {
	if is_not_yet "$1"; then
		[ "$2" != 0 ] || echo "is in not-yet, and loads" >>"$work/out"
		not_yet_count "$1" $(($2 == 0))
	else
		not_yet_count "$1" "$2"
	fi
}

not_yet_count() {
	if [ "$2" = 0 ]; then
		right=$((right + 1))
	else
		wrong=$((wrong + 1))
		printf '%s: %s\n' "$1" "$(tail -n 6 "$work/out")"
	fi
}

not_yet_end() {
	echo "$right $1 as expected, $wrong not; not yet: $(grep -c . "$not_yet")"
	[ "$wrong" = 0 ] && [ "$right" != 0 ]
}
