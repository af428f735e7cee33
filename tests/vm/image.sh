#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the Debian image of tests/vm/run.sh, unless it exists with the same packages:
#
#	image.sh SUITE DIR [PACKAGE...]
#
# DIR/root.ext4: Debian SUITE with its kernel, systemd, nftables, both kinds of iptables, and what the
# package and the tests need. DIR/vmlinuz and DIR/initrd.img: its kernel, which qemu loads itself.
# The image does not contain finwall: each run installs the package that it built. PACKAGE is installed
# besides; its services are not started at boot.
set -euo pipefail

suite=$1
dir=$2
shift 2
extra=("$@")
root=$dir/root
first=(systemd systemd-sysv dbus udev kmod iproute2 python3 iputils-ping procps ca-certificates)
packages=(linux-image-amd64 initramfs-tools iptables nftables conntrack socat tcpdump nmap ethtool cmake
	libmnl0 libnetfilter-queue1 libnfnetlink0 libjansson4 libasan8 libubsan1 libnetfilter-conntrack3
	netfilter-persistent iptables-persistent firewalld check)
# Names that differ between releases.
alternatives=("libevent-core-2.1-7 | libevent-core-2.1-7t64" "libevent-extra-2.1-7 | libevent-extra-2.1-7t64"
	"libpcap0.8 | libpcap0.8t64" "libhiredis0.14 | libhiredis1.1.0")

# Another list of packages makes another image.
contents="${first[*]} ${packages[*]} ${extra[*]} ${alternatives[*]}"
[[ ! -e $dir/root.ext4 || $(cat "$dir/contents" 2>/dev/null) != "$contents" ]] || exit 0
((EUID == 0)) || { echo "image: needs root" >&2; exit 77; }
for program in debootstrap mkfs.ext4; do
	command -v "$program" >/dev/null || { echo "image: needs $program" >&2; exit 77; }
done
mkdir -p "$dir"
rm -rf --one-file-system "$root"

joined=$(IFS=,; echo "${first[*]}")
debootstrap --variant=minbase --include="$joined" "$suite" "$root" >"$dir/debootstrap.log" 2>&1 ||
	{ tail -n 5 "$dir/debootstrap.log" >&2; exit 1; }
rm -f "$root/etc/resolv.conf"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# Nothing is started here.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# shellcheck disable=SC2016 # the inner shell expands it
chroot "$root" sh -c 'export DEBIAN_FRONTEND=noninteractive
	apt-get -q update && apt-get -qy --no-install-recommends install $1 && shift &&
	apt-get -qy --no-install-recommends satisfy "$@" && apt-get clean' \
	sh "${packages[*]} ${extra[*]}" "${alternatives[@]}" >"$dir/apt.log" 2>&1 ||
	{ tail -n 5 "$dir/apt.log" >&2; exit 1; }
rm "$root/usr/sbin/policy-rc.d"

# No firewall but the one that a case enables.
chroot "$root" systemctl disable firewalld netfilter-persistent nftables >/dev/null 2>&1 || true
for unit in docker.service docker.socket containerd.service libvirtd.service libvirtd.socket \
	libvirtd-ro.socket libvirtd-admin.socket libvirt-guests.service virtlockd.socket virtlogd.socket; do
	chroot "$root" systemctl disable "$unit" >/dev/null 2>&1 || true
done
echo finwall-vm >"$root/etc/hostname"
echo '127.0.0.1 localhost finwall-vm' >"$root/etc/hosts"
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
: >"$root/etc/machine-id"
cat >"$root/etc/systemd/network/10-vm.network" <<'CONF'
[Match]
MACAddress=52:54:00:12:34:56
[Network]
Address=10.9.0.2/24
Address=fd09::2/64
IPv6AcceptRA=no
[Address]
Address=fd09::3/64
DuplicateAddressDetection=none
CONF
chroot "$root" systemctl enable systemd-networkd >/dev/null 2>&1
chroot "$root" systemctl disable systemd-networkd-wait-online >/dev/null 2>&1 || true
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
	fstrim.timer e2scrub_all.timer e2scrub_reap.service >/dev/null 2>&1 || true
mkdir -p "$root/share" "$root/var/log/journal"
# The case is run from a folder of the host when the boot is complete.
cat >"$root/etc/systemd/system/vm-agent.service" <<'CONF'
[Unit]
Description=Runs a case of finwall's tests
[Service]
Type=exec
ExecStartPre=/bin/mount -t 9p -o trans=virtio,version=9p2000.L,cache=none share /share
ExecStart=/bin/bash /share/agent.sh
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
CONF
printf '9pnet_virtio\n9p\n' >"$root/etc/modules-load.d/vm.conf"
chroot "$root" systemctl enable vm-agent >/dev/null 2>&1
printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
chroot "$root" update-initramfs -u >>"$dir/apt.log" 2>&1
cp -L "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp -L "$root"/boot/initrd.img-* "$dir/initrd.img"

mkfs.ext4 -q -F -d "$root" "$dir/root.ext4.new" 4G
mv "$dir/root.ext4.new" "$dir/root.ext4"
printf '%s\n' "$contents" >"$dir/contents"
rm -rf --one-file-system "$root"
