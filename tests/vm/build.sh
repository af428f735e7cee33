#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds for a release of Debian that is not this machine's, in a root of that release:
#
#	build.sh SUITE DIR package OUT    the Debian package, into the folder OUT
#	build.sh SUITE DIR tests BUILD    this tree with its tests, not instrumented, in BUILD, which is a
#	                                  folder in the tree, for run.sh -B
#
# DIR: where the root is kept (800 MB); made on the first use, which needs the network.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=$1
dir=$2
what=$3
out=$(mkdir -p "$4" && realpath "$4")
root=$dir/root
extra=(ccache libnetfilter-conntrack-dev liblwip-dev)

((EUID == 0)) || { echo "build: needs root" >&2; exit 77; }
command -v debootstrap >/dev/null || { echo "build: needs debootstrap" >&2; exit 77; }

# in_root COMMAND...: with this tree at its own path, in a mount namespace that ends with the command.
in_root() {
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount sh -c 'root=$1; top=$2; out=$3; shift 3
		mount --bind "$root" "$root" && mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" &&
		mkdir -p "$root$top" "$root/build" &&
		mount --bind "$top" "$root$top" && mount --bind "$out" "$root/build" &&
		exec chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C CCACHE_DIR=/ccache "$@"' \
		sh "$root" "$top" "$out" "$@"
}

make_root() {
	rm -rf --one-file-system "$root"
	mkdir -p "$dir"
	debootstrap --variant=minbase --include=ca-certificates,build-essential,fakeroot "$suite" "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	in_root apt-get -q update
	in_root apt-get -qy --no-install-recommends build-dep "$top"
	in_root apt-get -qy --no-install-recommends install "${extra[@]}"
	in_root apt-get clean
}

contents=$(sed -n '/^Build-Depends/,/^Standards/p' "$top/debian/control"; echo "${extra[*]}")
if [[ $(cat "$dir/contents" 2>/dev/null) != "$contents" ]]; then
	make_root >"$dir.log" 2>&1 || { tail -n 5 "$dir.log" >&2; exit 1; }
	printf '%s\n' "$contents" >"$dir/contents"
fi

case $what in
package)
	mkdir -p "$out/source"
	tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$out/source" -xf -
	# shellcheck disable=SC2016
	in_root sh -c 'cd /build/source && PATH=/usr/lib/ccache:$PATH \
		DEB_BUILD_OPTIONS="nocheck noddebs parallel=$(nproc)" dpkg-buildpackage -us -uc -b' \
		>"$out/build.txt" 2>&1 || { tail -n 30 "$out/build.txt" >&2; exit 1; }
	rm -rf "$out/source"
	;;
tests)
	[[ $out == "$top"/* ]] || { echo "build: $out is not in $top" >&2; exit 2; }
	in_root cmake -S "$top" -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DCMAKE_C_COMPILER_LAUNCHER=ccache
	in_root cmake --build "$out"
	;;
*)
	echo "build: unknown: $what" >&2
	exit 2
	;;
esac
