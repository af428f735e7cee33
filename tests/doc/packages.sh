#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packages.sh: README lists the packages that scripts/lib.sh installs for a build.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

listed=$(awk '/^    apt-get install gcc/ { is_list = 1 } is_list { print }
	is_list && !/\\$/ { exit }' "$top/README.md" | tr -s ' \\\n' '\n' | grep -v '^apt-get$\|^install$\|^$' | sort)
installed=$(printf '%s\n' "${BUILD_PACKAGES[@]}" | sort)
diff <(echo "$listed") <(echo "$installed") || {
	echo 'FAIL: the packages of README.md (<) are not those of scripts/lib.sh (>)' >&2
	exit 1
}
