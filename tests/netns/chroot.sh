#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# try.sh in a plain chroot, where / is no mount point and `ip netns exec` fails: it must print why, before
# it installs or builds anything.
set -eu

[ "$(id -u)" = 0 ] || exit 77
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rmdir "$work"/* "$work" 2>/dev/null || true' EXIT
unshare --mount true 2>/dev/null || exit 77

# The mounts end with this process. $work itself is no mount point.
code=0
unshare --mount sh -c '
	for dir in bin dev etc lib lib64 proc sbin usr; do
		[ -d "/$dir" ] || continue
		mkdir "$1/$dir"
		mount --rbind "/$dir" "$1/$dir"
	done
	mkdir "$1/src" "$1/tmp"
	mount --bind "$2" "$1/src"
	mount -t tmpfs tmpfs "$1/tmp"
	exec chroot "$1" /src/scripts/try.sh
' sh "$work" "$top" >"${TMPDIR:-/tmp}/chroot-out.$$" 2>&1 || code=$?
out=$(cat "${TMPDIR:-/tmp}/chroot-out.$$")
rm -f "${TMPDIR:-/tmp}/chroot-out.$$"
if [ "$code" != 1 ] || ! echo "$out" | grep -q '^try.sh: / is no mount point'; then
	echo "FAIL: exit status $code: $out"
	exit 1
fi
