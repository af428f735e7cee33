#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the fuzzers, one after the other, each for a given time on one core, and prints a table: inputs,
# edges that they reach, new inputs kept, findings.
#
#	tests/fuzz/run.sh [-o DIR] SECONDS [NAME...]
#
#	-o DIR  where new inputs, findings and logs go (build/fuzz/run)
#
# Builds the preset fuzz, which needs clang. Time is processor time: a busy machine makes it longer, not
# weaker. New inputs stay in DIR/NAME and are read by the next run; those worth keeping are merged into
# the corpus with NAME -merge=1 tests/fuzz/corpus/NAME DIR/NAME. The exit status is 0 if nothing was found.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$top/build/fuzz/run
if [ "${1:-}" = -o ]; then
	dir=$2
	shift 2
fi
if [ $# -lt 1 ] || [ "$1" -lt 1 ] 2>/dev/null; then
	sed -n 's/^#\t/usage: /p' "${BASH_SOURCE[0]}" | head -1 >&2
	exit 2
fi
seconds=$1
shift
all=$(sed -n 's/.*"\(fuzz_[a-z_]*\) [0-9].*/\1/p' "$top/tests/fuzz/CMakeLists.txt")
names=${*:-$all}

cd "$top"
cmake --preset fuzz >/dev/null
# shellcheck disable=SC2086 # names of targets
cmake --build --preset fuzz --target $names >/dev/null
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# The directories with the inputs of a fuzzer.
inputs_of() {
	case $1 in
	fuzz_config) echo tests/conf/good tests/conf/bad ;;
	fuzz_import) echo tests/import tests/import/saves ;;
	esac
	if [ -d "tests/fuzz/corpus/$1" ]; then
		echo "tests/fuzz/corpus/$1"
	fi
}

# Processor seconds that a process has used.
cpu_of() {
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) / hz) }' "/proc/$1/stat" 2>/dev/null ||
		echo "$seconds"
}

rc=0
printf '%-18s %12s %8s %8s %9s  %s\n' fuzzer inputs edges kept seconds result
for name in $names; do
	mkdir -p "$dir/$name" "$dir/findings/$name"
	# shellcheck disable=SC2046 # several directories
	"build/fuzz/tests/$name" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
		-artifact_prefix="$dir/findings/$name/" "$dir/$name" $(inputs_of "$name") \
		>"$dir/$name.log" 2>&1 &
	pid=$!
	trap 'kill $pid 2>/dev/null' EXIT
	while kill -0 $pid 2>/dev/null && [ "$(cpu_of $pid)" -lt "$seconds" ]; do
		sleep 1
	done
	used=$(cpu_of $pid)
	kill -INT $pid 2>/dev/null || :
	wait $pid || :
	trap - EXIT
	result=clean
	if [ -n "$(ls -A "$dir/findings/$name")" ]; then
		result="findings in $dir/findings/$name"
		rc=1
	fi
	printf '%-18s %12s %8s %8s %9s  %s\n' "$name" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log")" \
		"$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$dir/$name.log" | tail -1)" \
		"$(sed -n 's/^stat::new_units_added: *//p' "$dir/$name.log")" "$used" "$result"
done
exit $rc
