# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Package installation, building and progress output, shared by try.sh and test.sh.
# Sourced; the caller has set -euo pipefail.

FINWALL_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FINWALL_LOG=$(mktemp)
trap forget_log EXIT

# Colours only on a terminal, and not with NO_COLOR (https://no-color.org).
# shellcheck disable=SC2034 # used by the scripts that source this file
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
	RED=$'\e[31m' GREEN=$'\e[32m' BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
	RED='' GREEN='' BOLD='' PLAIN=''
fi

# Debian packages needed to build. check: the test tools are part of a build. libpcap-dev: finwall
# replay; libncurses-dev: finwall top; libhiredis-dev: the cluster; clang and libbpf-dev: the kernel
# fast path.
# shellcheck disable=SC2034
BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config flex bison
	libmnl-dev libnetfilter-queue-dev libnfnetlink-dev libevent-dev libjansson-dev
	libncurses-dev libpcap-dev libhiredis-dev clang libbpf-dev check)

# Debian packages needed by the tests in network namespaces.
# shellcheck disable=SC2034
NETNS_PACKAGES=(iproute2 iptables ipset conntrack procps)

# Further Debian packages needed by the tests: programs, and the libraries of optional parts.
# shellcheck disable=SC2034
TEST_PACKAGES=(iputils-ping nftables socat python3 nmap tcpdump ethtool tmux redis-server
	keepalived stunnel4 openssl libnetfilter-conntrack-dev liblwip-dev mandoc groff)

die() {
	printf '%s%s: %s%s\n' "$RED" "$(basename "$0")" "$*" "$PLAIN" >&2
	exit 1
}

# Deletes the output of the last step.
forget_log() {
	rm -f "$FINWALL_LOG"
}

# run_step TITLE COMMAND...: runs COMMAND and prints how long it took. Prints the end of its output
# only if it fails.
run_step() {
	local title=$1 started=$SECONDS
	shift
	printf '%s ... ' "$title"
	if ! "$@" >"$FINWALL_LOG" 2>&1 </dev/null; then
		printf 'failed\n'
		tail -n 40 "$FINWALL_LOG" >&2
		die "$title: failed"
	fi
	printf '%d s\n' $((SECONDS - started))
}

# check_namespaces: ends with a message where root cannot make network namespaces, or `ip netns exec`
# cannot enter them: it changes the mount of /, which a plain chroot does not have.
check_namespaces() {
	unshare --mount --net --propagation unchanged true 2>/dev/null ||
		die 'cannot make network namespaces: no CAP_SYS_ADMIN (an unprivileged container?)'
	unshare --mount true 2>/dev/null ||
		die '/ is no mount point (a chroot?), but ip-netns(8) needs one.' \
			$'\nOutside of it: mount --bind DIR DIR, then chroot DIR again.'
}

# missing_packages PACKAGE...: prints those that are not installed, one per line.
missing_packages() {
	local p status
	for p; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
		[[ $status == installed ]] || printf '%s\n' "$p"
	done
}

# install_packages PACKAGE...: installs those that are missing. Needs no network if none is.
install_packages() {
	local missing
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		printf 'packages: not a Debian system; install the equivalents of: %s\n' "$*"
		return
	fi
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	((EUID == 0)) || die "missing packages, install them as root: ${missing[*]}"
	run_step "packages: reading Debian's lists" apt_get update
	run_step "packages: installing ${#missing[@]} (${missing[0]}, ${missing[1]:-} ...)" \
		apt_get install -y --no-install-recommends "${missing[@]}"
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
		-o Dpkg::Use-Pty=0 "$@"
}

# as_owner COMMAND...: runs COMMAND as the owner of the source tree, so that the owner can write the
# build directory after `sudo scripts/try.sh`. A build directory that root owns stays root's.
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

# build_preset PRESET [TARGET...]: configures and builds the targets, by default all.
build_preset() {
	local preset=$1 jobs
	shift
	jobs=$(nproc)
	cd "$FINWALL_TOP" || exit
	run_step "build: configuring ($preset)" as_owner cmake --preset "$preset" -DFINWALL_PCAP=AUTO
	run_step "build: compiling" as_owner cmake --build --preset "$preset" -j "$jobs" \
		${1:+--target "$@"}
}
