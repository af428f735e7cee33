#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# circles_test.sh PYTHON CC: circles.py reports the circles that small objects have, and no others.
set -eu

python=$1
cc=$2
circles=$(dirname "$0")/circles.py
work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-test.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	cat "$work/out" >&2
	exit 1
}

# object FILE: compiles standard input to FILE.
object() {
	mkdir -p "$(dirname "$work/$1")"
	"$cc" -xc -c -o "$work/$1" -
}

# expect STATUS CIRCLES ARG...: the exit status, and how many circles are reported.
expect() {
	wanted="$1 $2"
	shift 2
	status=0
	"$python" "$circles" "$@" >"$work/out" 2>&1 || status=$?
	[ "$status $(grep -c '^circle of' "$work/out")" = "$wanted" ] ||
		fail "circles.py $*: exit status and circles are not $wanted but:"
}

reports() {
	grep -Fq -- "$1" "$work/out" || fail "not reported: $1"
}

object a.o <<-C
	void b(void); static void help(void) {} void a(void) { help(); b(); }
C
object b_to_a.o <<-C
	void a(void); void b(void) { a(); }
C
object b.o <<-C
	void c(void); static void help(void) {} void b(void) { help(); c(); }
C
object c.o <<-C
	int called; void c(void) { called = 1; }
C
object c_to_a.o <<-C
	void a(void); void c(void) { a(); }
C
object weak_to_a.o <<-C
	void a(void) __attribute__((weak)); void (*c(void))(void) { return a; }
C
object callback.o <<-C
	void c(void (*fn)(void)) { fn(); }
C

# Two files, three files, two circles; a reference by address or to a weak symbol counts as well.
expect 1 1 --objects "$work/a.o" "$work/b_to_a.o"
reports "circle of 2 files: $work/a.o $work/b_to_a.o"
expect 1 1 --objects -v "$work/a.o" "$work/b_to_a.o"
reports "$work/a.o -> $work/b_to_a.o: b"
expect 1 1 --objects "$work/a.o" "$work/b.o" "$work/c_to_a.o"
reports 'circle of 3 files'
expect 1 1 --objects "$work/a.o" "$work/b.o" "$work/weak_to_a.o"
object x.o <<-C
	void y(void); void x(void) { y(); }
C
object y.o <<-C
	void x(void); void y(void) { x(); }
C
expect 1 2 --objects "$work/x.o" "$work/a.o" "$work/y.o" "$work/b_to_a.o"

# A chain, a callback, a file that calls itself, and names that are static.
expect 0 0 --objects "$work/a.o" "$work/b.o" "$work/c.o"
expect 0 0 --objects "$work/a.o" "$work/b.o" "$work/callback.o"
object self.o <<-C
	void again(int n) { if (n) { again(n - 1); } }
C
expect 0 0 --objects "$work/self.o" "$work/c.o"

# A build: only what it lists counts, and a name of one program is not another program's.
build() { # build SOURCE...
	{
		separator='['
		for source; do
			printf '%s{"directory": "%s", "file": "%s", "command": "cc -o %s -c x"}\n' \
				"$separator" "$work/build" "$work/tree/$source" "${source%.c}.o"
			separator=,
		done
		echo ']'
	} >"$work/build/compile_commands.json"
}
for source in daemon/core/low.c chart/axis.c cli/print.c bench/print.c; do
	mkdir -p "$work/tree/$(dirname "$source")" "$work/build/$(dirname "$source")"
done
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$work/tree" >"$work/build/CMakeCache.txt"
object build/daemon/core/low.o <<-C
	void low(void) {}
C
object build/cli/print.o <<-C
	void low(void); void print(void) { low(); }
C
object build/cli/main.o <<-C
	void print(void); void usage(void) { print(); }
C
object build/bench/print.o <<-C
	void usage(void); void print(void) { usage(); }
C
object build/cli/gone.o <<-C
	void usage(void); void print(void) { usage(); }
C
build daemon/core/low.c cli/print.c cli/main.c bench/print.c
expect 0 0 "$work/build"
reports '4 files, 2 edges, 0 circles'
build daemon/core/low.c cli/main.c cli/gone.c bench/print.c
expect 1 1 "$work/build"
reports 'circle of 2 files: cli/gone.c cli/main.c'
object build/chart/axis.o <<-C
	void low(void); void axis(void) { low(); }
C
object build/daemon/core/low.o <<-C
	void axis(void); void low(void) { axis(); }
C
build daemon/core/low.c chart/axis.c
expect 1 1 "$work/build"
reports 'circle of 2 files: chart/axis.c daemon/core/low.c'

# What cannot be read is not "no circle".
expect 2 0 "$work/build/cli"
expect 2 0 --objects "$work/none.o"
expect 2 0
build tests/x.c
expect 2 0 "$work/build"
