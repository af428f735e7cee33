#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which lines of the daemon the tests and the fuzzers' corpora reach.
#
#	sudo tests/coverage.sh [-k] [-l FOLDER]... [CTEST-OPTION...]
#
#	-k         keep the counts of earlier runs, and add to them
#	-l FOLDER  list the lines of this folder that nothing reaches, such as -l daemon/core
#
# Builds the preset coverage (gcc, not optimised), runs the tests that need no daemon and some that
# start one, and prints for each folder of daemon/ the lines and how many of them were reached.
# CTEST-OPTION replaces the selection of tests. Without root, what needs the kernel is left out.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build/coverage
keep=''
lists=()
while [[ ${1-} == -[kl] ]]; do
	if [[ $1 == -k ]]; then
		keep=1
	else
		lists+=(--list "$2")
		shift
	fi
	shift
done
daemon=trace,control,sets,dynamic,list,events,keep,state_drop,import_start,import_demand,cluster_failover

cd "$top"
cmake --preset coverage >/dev/null
cmake --build --preset coverage >/dev/null
[[ -n $keep ]] || find "$build" -name '*.gcda' -delete
# The daemon writes its counts as the user that it becomes.
find "$build" -name '*.gcno' -printf '%h\0' | sort -zu | xargs -0 chmod a+rwx
umask 0
# A test that fails has reached its lines, too; it is not this script's to report.
run_tests() {
	ctest --test-dir "$build" -j "$(nproc)" "$@" >>"$build/ctest.txt" 2>&1 ||
		printf 'coverage: tests have failed, see %s\n' "$build/ctest.txt" >&2
}
: >"$build/ctest.txt"
if (($#)); then
	run_tests "$@"
else
	run_tests -L '^(unit|model|pkt|conf|import|oracle|rules|replay|fuzz)$'
	run_tests -R "^netns_(${daemon//,/|})\$"
fi
grep -E '^[0-9]+% tests passed' "$build/ctest.txt"
exec python3 "$top/tests/coverage.py" "$top" "$build" ${lists[@]+"${lists[@]}"}
