#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	install.sh SOURCE_DIR BIN_DIR
#
# cmake --install of a build of finwalld and finwall alone, as scripts/try.sh makes it: programs,
# units and manual pages are installed. The unit lets the daemon write where it saves its state.
set -eu

source=$1
bin=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-install.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}
configure() {
	cmake -S "$source" -B "$work/build" -G Ninja -DFINWALL_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr/local \
		"$@" >"$work/configure.log" 2>&1 || fail "configure: $(cat "$work/configure.log")"
}
configure

mkdir -p "$work/build/bin"
cp "$bin/finwalld" "$bin/finwall-opener" "$bin/finwall" "$work/build/bin/"
DESTDIR=$work/root cmake --install "$work/build" >"$work/install.log" 2>&1 ||
	fail "install: $(cat "$work/install.log")"
for file in sbin/finwalld sbin/finwall lib/systemd/system/finwalld.service \
	lib/systemd/system/finwall-hook.service lib/systemd/system/finwall-opener.service \
	libexec/finwall/finwall-opener share/man/man8/finwalld.8 share/man/man5/finwall.conf.5; do
	[ -e "$work/root/usr/local/$file" ] || fail "$file is not installed"
done

unit=$work/root/usr/local/lib/systemd/system/finwalld.service
state=$(sed -n 's/.*FINWALL_STATE_PATH=\\*"\([^"\\]*\)\/state\\*".*/\1/p' "$work/build/build.ninja" | head -n 1)
[ "$state" = /var/lib/finwall ] || fail "the daemon saves in $state"
grep -qx StateDirectory=finwall "$unit" || fail "the unit does not make $state"
# Install takes a file of the same second for unchanged.
rm -rf "$work/root"
configure -DFINWALL_STATE_DIR=/srv/finwall
DESTDIR=$work/root cmake --install "$work/build" >"$work/install.log" 2>&1
grep -qx ReadWritePaths=/srv/finwall "$unit" || fail "the unit does not permit /srv/finwall"
