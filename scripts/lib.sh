# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What try.sh and test.sh share: packages, building, and talking to the person who waits.
# Sourced; the caller has set -euo pipefail.

FINWALL_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FINWALL_LOG=$(mktemp)
trap forget_log EXIT

# Colours only for people: a terminal, and nobody who asked for none (https://no-color.org).
# shellcheck disable=SC2034 # used by those who source this
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
	RED=$'\e[31m' GREEN=$'\e[32m' BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
	RED='' GREEN='' BOLD='' PLAIN=''
fi

# What building takes, by Debian's names; Check because the test tools are part of a build.
# shellcheck disable=SC2034
BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config flex bison
	libmnl-dev libnetfilter-queue-dev libnfnetlink-dev libevent-dev libjansson-dev check)

# What the cases in network namespaces take.
# shellcheck disable=SC2034
NETNS_PACKAGES=(iproute2 iptables conntrack procps)

# What the tests take besides: programs, and the libraries of optional parts, to test those too.
# shellcheck disable=SC2034
TEST_PACKAGES=(iputils-ping nftables socat python3 nmap tcpdump ethtool libpcap-dev
	libnetfilter-conntrack-dev mandoc groff)

die() {
	printf '%s%s: %s%s\n' "$RED" "$(basename "$0")" "$*" "$PLAIN" >&2
	exit 1
}

# What the last step printed.
forget_log() {
	rm -f "$FINWALL_LOG"
}

# run_step WHAT COMMAND...: runs it quietly and says how long it took. What it printed is shown only
# if it fails.
run_step() {
	local what=$1 started=$SECONDS
	shift
	printf '%s ... ' "$what"
	if ! "$@" >"$FINWALL_LOG" 2>&1 </dev/null; then
		printf 'failed\n'
		tail -n 40 "$FINWALL_LOG" >&2
		die "$what: failed"
	fi
	printf '%d s\n' $((SECONDS - started))
}

# missing_packages PACKAGE...: those of them that are not installed, one a line.
missing_packages() {
	local p status
	for p; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
		[[ $status == installed ]] || printf '%s\n' "$p"
	done
}

# install_packages PACKAGE...: installs what is missing; does not touch the network when nothing is.
install_packages() {
	local missing
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		printf 'packages ... not a Debian system; this needs what Debian calls: %s\n' "$*"
		return
	fi
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	((EUID == 0)) || die "these packages are missing, and only root can install them: ${missing[*]}"
	run_step "packages: reading Debian's lists" apt_get update
	run_step "packages: installing ${#missing[@]} (${missing[0]}, ${missing[1]:-} ...)" \
		apt_get install -y --no-install-recommends "${missing[@]}"
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
		-o Dpkg::Use-Pty=0 "$@"
}

# as_owner COMMAND...: runs it as the owner of the source tree, so that `sudo scripts/try.sh` leaves
# no build directory behind that its owner cannot write. What root has built before stays root's.
as_owner() {
	local owner build=$FINWALL_TOP/build
	owner=$(stat -c %u "$FINWALL_TOP")
	if [[ -e $build && $(stat -c %u "$build") == 0 ]]; then
		owner=0
	fi
	if ((EUID != 0 || owner == 0)); then
		"$@"
		return
	fi
	setpriv --reuid "$owner" --regid "$(stat -c %g "$FINWALL_TOP")" --clear-groups "$@"
}

# build_preset PRESET [TARGET...]: configures and builds, all targets if none are named.
build_preset() {
	local preset=$1 jobs
	shift
	jobs=$(nproc)
	cd "$FINWALL_TOP" || exit
	run_step "build: configuring ($preset)" as_owner cmake --preset "$preset"
	run_step "build: compiling" as_owner cmake --build --preset "$preset" -j "$jobs" \
		${1:+--target "$@"}
}
