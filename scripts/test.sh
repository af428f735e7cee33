#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sudo scripts/test.sh [CTEST-OPTION...]: installs the packages that building and testing need, builds
# with AddressSanitizer and UndefinedBehaviorSanitizer, and runs every test. Ends with ctest's totals
# and its exit status. Without root, nothing is installed and the tests that need network namespaces
# are skipped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

install_packages "${BUILD_PACKAGES[@]}" "${NETNS_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
build_preset dev
if ((EUID != 0)); then
	printf '%s\n' 'test: not root: skipping the tests in network namespaces;' \
		'      run them with: sudo scripts/test.sh'
fi
forget_log
cd "$FINWALL_TOP"
# A failed test of the network namespaces is tried once more; the report of it goes here.
exec 9>&1
export FINWALL_SECOND_TRY=9
exec ctest --preset dev -j "$(nproc)" --no-tests=error "$@" </dev/null
