#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Cases that need a distribution's kernel, its modules, its boot order or its other firewalls: builds
# the Debian package from this tree, boots Debian in qemu, installs it there and runs the cases, each in
# a fresh machine. Prints a table: case, kernel, backend of the hook rules, check, result.
#
#	sudo tests/vm/run.sh [OPTION...] [CASE...]
#
#	-l         list the cases
#	-s SUITE   release of Debian (bookworm)
#	-d DIR     where the image is kept: 4 GB for each release ($FINWALL_VM_DIR, or finwall-vm below
#	           ${TMPDIR:-/tmp}); made on the first use, which needs the network and some minutes
#	-p FILE    install this package instead of building one
#	-b NAME    only with this backend: nft, iptables-nft or iptables-legacy
#	-o DIR     keep the logs of each case in DIR, also of those that pass
#	-a ACCEL   kvm or tcg (kvm where /dev/kvm works, otherwise tcg, which is slow: minutes per case)
#	-t SECONDS limit for each case (600; 1800 with tcg)
#	-B DIR     a build directory in this tree, with tests, for the case ctest, which is left out without it
#	-R REGEX   the tests of the case ctest (-R of ctest; all with the label netns)
#	-i         no case: a console in the machine; the package is in /share
#
# Needs root, debootstrap, qemu-system-x86_64 and what debian/control builds with. The exit status is 0
# if every check passed, 77 if something it needs is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
suite=bookworm
dir=${FINWALL_VM_DIR:-${TMPDIR:-/tmp}/finwall-vm}
package='' only='' keep='' accel='' limit='' interactive='' build='' regex=.
cpu=max,-arch-capabilities

usage() {
	sed -n '/^# Cases/,/^# if every/s/^# \?//p' "$0"
}
say() {
	printf 'vm: %s\n' "$*" >&2
}
skip() {
	say "$*"
	exit 77
}

while getopts hls:d:p:b:o:a:t:iB:R: option; do
	case $option in
	l)
		for file in "$here"/cases/*.sh; do
			printf '%-16s %s\n' "$(basename "$file" .sh)" "$(sed -n 's/^# summary: //p' "$file")"
		done
		exit
		;;
	s) suite=$OPTARG ;;
	d) dir=$OPTARG ;;
	p) package=$OPTARG ;;
	b) only=$OPTARG ;;
	o) keep=$OPTARG ;;
	a) accel=$OPTARG ;;
	t) limit=$OPTARG ;;
	i) interactive=1 ;;
	B) build=$(realpath "$OPTARG") ;;
	R) regex=$OPTARG ;;
	h) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
if (($# == 0)); then
	mapfile -t cases < <(cd "$here/cases" && printf '%s\n' *.sh | sed 's/\.sh$//')
else
	cases=("$@")
fi
for name in "${cases[@]}"; do
	[[ -e $here/cases/$name.sh ]] || { say "unknown case: $name"; exit 2; }
done

((EUID == 0)) || skip "needs root"
for program in qemu-system-x86_64 ip python3; do
	command -v "$program" >/dev/null || skip "needs $program"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-vm-run.XXXXXX")
netns=fwvm$$
pids=()
cleanup() {
	trap - EXIT
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	ip netns del "$netns" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# can_kvm: the kernel prints its first line. The device may exist and not work.
can_kvm() {
	[[ -w /dev/kvm ]] && timeout 20 qemu-system-x86_64 -accel kvm -cpu "$cpu" -machine q35 -m 512 \
		-display none -nodefaults -no-reboot -kernel "$image/vmlinuz" \
		-append 'console=ttyS0 panic=-1' -serial stdio 2>/dev/null </dev/null |
		grep -q 'Linux version'
}

# A package of another release has other dependencies, so it is built in a root of that release.
build_package() {
	local log=$work/build.txt
	say "building the package"
	if [[ $suite != "$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)" ]]; then
		"$here/build.sh" "$suite" "$dir/$suite-build" package "$work/package"
		package=$(echo "$work"/package/finwall_*.deb)
		return
	fi
	for program in dpkg-buildpackage dh; do
		command -v "$program" >/dev/null || skip "needs $program"
	done
	mkdir -p "$work/build/src"
	tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$work/build/src" -xf -
	(cd "$work/build/src" && DEB_BUILD_OPTIONS="nocheck noddebs parallel=$(nproc)" \
		dpkg-buildpackage -us -uc -b) >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
	package=$(echo "$work"/build/finwall_*.deb)
}

# use_image [CASE]: sets image. A case that needs more packages than the others has its own.
use_image() {
	local packages=''
	image=$dir/$suite
	if [[ -n ${1-} ]]; then
		packages=$(sed -n 's/^# packages: //p' "$here/cases/$1.sh")
		[[ -z $packages ]] || image+=-$1
	fi
	say "image of $suite in $image"
	# shellcheck disable=SC2086 # one word for each package
	"$here/image.sh" "$suite" "$image" $packages
}

use_image
if [[ -z $accel ]]; then
	accel=tcg
	! can_kvm || accel=kvm
fi
if [[ -z $limit ]]; then
	limit=600
	[[ $accel == kvm ]] || limit=1800
fi
[[ -n $package ]] || build_package

# boot SHARE QEMU-OPTION...: runs the machine until it powers itself off, its neighbour beside it.
boot() {
	local share=$1 peer machine
	shift
	ip netns add "$netns"
	ip -n "$netns" link set lo up
	ip -n "$netns" tuntap add tap0 mode tap
	ip netns exec "$netns" sysctl -qw net.ipv6.conf.tap0.accept_dad=0
	ip -n "$netns" addr add 10.9.0.1/24 dev tap0
	ip -n "$netns" addr add fd09::1/64 dev tap0 nodad
	ip -n "$netns" link set tap0 up
	ip netns exec "$netns" python3 "$here/peer.py" "$share/peer" tap0 2>"$share/peer.txt" &
	peer=$!
	pids+=("$peer")
	timeout --foreground "$limit" ip netns exec "$netns" qemu-system-x86_64 -accel "$accel" -machine q35 \
		-cpu "$cpu" -smp 1 -m 1536 -display none -no-user-config -nodefaults \
		-kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
		-append "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 mitigations=off" \
		-drive "file=$image/root.ext4,format=raw,if=virtio,snapshot=on" \
		-netdev tap,id=net0,ifname=tap0,script=no,downscript=no \
		-device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56 \
		-device virtio-rng-pci \
		-virtfs "local,path=$share,mount_tag=share,security_model=none,id=share" \
		-virtfs "local,path=$top,mount_tag=tree,security_model=none,id=tree,readonly=on" \
		"$@" <&0 &
	machine=$!
	pids+=("$machine")
	wait "$machine" || true # a signal's trap runs at once
	kill "$peer" 2>/dev/null || true
	wait "$peer" 2>/dev/null || true
	ip netns del "$netns"
}

failed=0
table=$work/table
: >"$table"
# run_case NAME BACKEND
run_case() {
	local name=$1 backend=$2 share=$work/$1-$2 started=$SECONDS kernel
	mkdir -p "$share/peer" "$share/cases"
	cp "$here/agent.sh" "$here/lib.sh" "$package" "$share"
	cp "$here/cases/$name.sh" "$share/cases"
	cp -r "$top/tests/support" "$top/doc" "$share"
	printf '%s=%q\n' CASE "$name" BACKEND "$backend" TREE "$top" BUILD "$build" REGEX "$regex" \
		>"$share/case.env"
	: >"$share/results"
	boot "$share" -serial "file:$share/console.txt"
	kernel=$(cat "$share/kernel" 2>/dev/null || echo '?')
	[[ -e $share/done ]] || printf 'machine\tFAIL\tno end within %s s\n' "$limit" >>"$share/results"
	while IFS=$'\t' read -r check outcome detail; do
		[[ $outcome == ok ]] || failed=$((failed + 1))
		printf '%-12s %-16s %-15s %-34s %-4s %s\n' "$name" "$kernel" "$backend" "$check" "$outcome" \
			"$detail" | tee -a "$table"
	done <"$share/results"
	say "$name, $backend: $((SECONDS - started)) s with $accel"
	if [[ -n $keep ]]; then
		mkdir -p "$keep/$name-$backend"
		cp "$share"/*.txt "$share/results" "$keep/$name-$backend"
	elif grep -q FAIL "$share/results"; then
		tail -n 40 "$share/log.txt" >&2 || true
	fi
	rm -rf "$share"
}

if [[ -n $interactive ]]; then
	share=$work/share
	mkdir -p "$share/peer"
	cp "$here/lib.sh" "$package" "$share"
	echo 'exit 0' >"$share/agent.sh"
	boot "$share" -serial mon:stdio
	exit
fi

for name in "${cases[@]}"; do
	if [[ $name == ctest && -z $build ]]; then
		say "ctest: left out: needs -B"
		continue
	fi
	use_image "$name"
	backends=$(sed -n 's/^# backends: //p' "$here/cases/$name.sh")
	for backend in ${backends:-nft}; do
		[[ -z $only || $only == "$backend" ]] || continue
		run_case "$name" "$backend"
	done
done
total=$(wc -l <"$table")
printf '%d checks, %d failed\n' "$total" "$failed"
((failed == 0))
