#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# arch.sh includes: a small tree passes, and fails with each of the faults that have to be found.
set -eu

arch=$(dirname "$0")/arch.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree
export ARCH_TABLES="$work"

cat >"$work/layers.txt" <<'LAYERS'
# a comment
0 include/finwall/mono.h
0 daemon/core/wheel.*
2 daemon/core/layout*.h
3 include/finwall/*
3 daemon/policy/*
3 daemon/sets/*
3 daemon/wire/*
3 chart/*
4 daemon/io/*
5 daemon/*
3 chart/*
5 cli/*
5 cli/cmd/*
5 bench/*
LAYERS
echo 'daemon/policy daemon/core/layout.h' >"$work/shared.txt"

# file PATH INCLUDE...: a file of the tree with these include lines.
file() {
	path=$tree/$1
	shift
	mkdir -p "${path%/*}"
	for include; do
		echo "#include $include"
	done >"$path"
}

# A tree without a fault.
make_tree() {
	rm -rf "$tree"
	file include/finwall/mono.h '<stdint.h>'
	file include/finwall/config.h '<finwall/mono.h>'
	file daemon/core/wheel.c '<finwall/mono.h>' '<string.h>'
	file daemon/core/layout.h
	file daemon/policy/check.h
	file daemon/policy/check.c '"check.h"' '"core/layout.h"' '<finwall/config.h>' '<stdio.h>'
	file daemon/wire/link.c '<finwall/config.h>'
	file chart/svg.h
	file daemon/io/clock.h
	file daemon/main.c '"io/clock.h"' '"policy/check.h"'
	file cli/cmd/list.c '"io/clock.h"'
	file bench/main.c '"policy/check.h"'
}

includes() {
	"$arch" includes "$tree" >"$work/out" 2>&1
}

# fails WITH: the check fails, with this message and no other.
fails() {
	if includes || [ "$(wc -l <"$work/out")" != 1 ] || ! grep -Fq -- "$1" "$work/out"; then
		echo "FAIL: expected only \"$1\" but:" >&2
		cat "$work/out" >&2
		exit 1
	fi
	make_tree
}

make_tree
if ! includes; then
	cat "$work/out" >&2
	exit 1
fi

# Not listed: in core, in a new folder below one, in a new folder.
file daemon/core/forgotten.c
fails 'daemon/core/forgotten.c: no layer'
file daemon/io/deep/clock.c
fails 'daemon/io/deep/clock.c: no layer'
file cli/new/list.c
fails 'cli/new/list.c: no layer'
file chart/new/axis.c
fails 'chart/new/axis.c: no layer'
file daemon/policy/deep/scan.l
fails 'daemon/policy/deep/scan.l: no layer'

# Upwards.
file daemon/core/wheel.c '<finwall/config.h>'
fails 'daemon/core/wheel.c (layer 0) includes include/finwall/config.h (layer 3)'
file daemon/wire/link.c '"io/clock.h"'
fails 'daemon/wire/link.c (layer 3) includes daemon/io/clock.h (layer 4)'
file daemon/daemon.h
file daemon/io/clock.c '"daemon.h"'
fails 'daemon/io/clock.c (layer 4) includes daemon/daemon.h (layer 5)'

# What only a thin shell may know.
file daemon/core/wheel.c '<time.h>'
fails 'daemon/core/wheel.c: the core must not include <time.h>'

# Between folders.
file daemon/io/clock.c '"policy/check.h"'
fails 'wire and io must not know the language'
file daemon/wire/link.h
file daemon/policy/parse.y '"wire/link.h"'
fails 'the language must not know wire and io'
file daemon/sets/tree.c '"policy/check.h"'
fails 'policy uses sets'
file bench/main.c '"core/layout.h"'
fails 'bench/main.c includes daemon/core/layout.h, which is private to daemon/core'
file daemon/core/layout_more.h
file daemon/policy/check.c '"core/layout_more.h"'
fails 'daemon/policy/check.c includes daemon/core/layout_more.h, which is private to daemon/core'
