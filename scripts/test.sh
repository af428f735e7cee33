#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sudo scripts/test.sh [CTEST-OPTION...]: installs what building and testing take, builds with
# AddressSanitizer and UndefinedBehaviorSanitizer, and runs every test. Ends with ctest's totals and
# has its exit status. Without root nothing is installed, and tests that need network namespaces
# are skipped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

install_packages "${BUILD_PACKAGES[@]}" "${NETNS_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
build_preset dev
if ((EUID != 0)); then
	printf '%s\n' 'test: not root: the tests in network namespaces will be skipped;' \
		'      sudo scripts/test.sh runs them too'
fi
forget_log
cd "$FINWALL_TOP"
exec ctest --preset dev -j "$(nproc)" --no-tests=error "$@" </dev/null
