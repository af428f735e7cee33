#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds for arm64 and runs the tests that need no kernel under qemu's user mode emulation.
#
#	sudo tests/arm64/run.sh [-d DIR] [CTEST-OPTION...]
#
#	-d DIR  where arm64's libraries and the build are kept (finwall-arm64 below ${TMPDIR:-/tmp});
#	        made on the first use, which needs the network
#
# Debian 12: installs gcc-aarch64-linux-gnu, qemu-user-static and debootstrap where they are missing.
# The kernel fast path is left out: the machine that runs its program decides about its byte order and
# instructions, not the compiler.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"
dir=${TMPDIR:-/tmp}/finwall-arm64
if [ "${1:-}" = -d ]; then
	dir=$2
	shift 2
fi
suite=bookworm
libraries=(libc6-dev libmnl-dev libnetfilter-queue-dev libnfnetlink-dev libevent-dev libjansson-dev
	libncurses-dev libpcap-dev check)

# Debootstrap's first stage runs no program of the other architecture; the packages that it would
# install in its second one are unpacked by hand.
make_root() {
	rm -rf "$dir/root.new"
	debootstrap --foreign --variant=minbase --arch=arm64 \
		--include="$(IFS=,; echo "${libraries[*]}")" "$suite" "$dir/root.new"
	for deb in "$dir"/root.new/var/cache/apt/archives/*.deb; do
		dpkg-deb -x "$deb" "$dir/root.new"
	done
	# Links to absolute paths would lead to this machine's libraries.
	(cd "$dir/root.new" && find . -path '*/lib/*' -lname '/*' | while read -r link; do
		ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" ".$(readlink "$link")")" "$link"
	done)
	rm -rf "$dir/root.new/var/cache/apt/archives" "$dir/root"
	mv "$dir/root.new" "$dir/root"
}

install_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static debootstrap \
	cmake ninja-build pkg-config flex bison
mkdir -p "$dir"
if [ ! -e "$dir/root/usr/include/check.h" ]; then
	run_step 'arm64: libraries' make_root
fi
export FINWALL_ARM64_ROOT=$dir/root
run_step 'arm64: configuring' cmake -S "$top" -B "$dir/build" -G Ninja \
	-DCMAKE_TOOLCHAIN_FILE="$top/tests/arm64/toolchain.cmake" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	-DFINWALL_FASTPATH=OFF -DFINWALL_WERROR=OFF
run_step 'arm64: compiling' cmake --build "$dir/build" -j "$(nproc)"

# Scripts run these programs by their path, so that a script of that name starts the emulator. A program
# that was linked anew has replaced it.
wrap() {
	local magic
	magic=$(head -c 4 "$1")
	[ "$magic" = $'\x7fELF' ] || return 0
	mv "$1" "$1.arm64"
	# shellcheck disable=SC2016 # the script expands it
	printf '#!/bin/sh\nexec qemu-aarch64-static -0 "$0" -L "%s" "%s" "$@"\n' "$dir/root" "$1.arm64" >"$1"
	chmod 755 "$1"
}
for program in "$dir"/build/bin/finwall "$dir"/build/bin/finwalld "$dir"/build/bin/finwall-bench \
	"$dir"/build/tests/{golden_trace,capgen}; do
	[ ! -e "$program" ] || wrap "$program"
done
# Emulated: several times slower than on the machine itself. What needs the kernel is skipped, or left out.
exec ctest --test-dir "$dir/build" -j "$(nproc)" -L '^(unit|model|pkt|conf|import|replay|fuzz)$' \
	-E '^import_saves_compare$' --timeout 1500 "$@"
