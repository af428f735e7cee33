#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sudo tests/rules/tools.sh BUILD_DIR [PACKETS]: the rules that firewalld, fail2ban, docker, ufw, ferm,
# shorewall and libvirt make, as Debian has these programs: finwalld accepts the listing of nft where nft
# does, finwall converts the save of iptables otherwise, what is handed to the kernel is as nft makes it,
# and the verdicts are the kernel's for PACKETS random packets. Not part of ctest: installs the programs
# with apt-get, in an overlay of / that only this script sees and that is gone with it, and runs each in
# network and process namespaces of its own. Takes some minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
packets=${2:-20000}
((EUID == 0)) || {
	echo 'needs root' >&2
	exit 77
}
if [[ ${TOOLS_PRIVATE:-} != 1 ]]; then
	TOOLS_PRIVATE=1 exec unshare -m --propagation private -- "$0" "$@"
fi
tools=(firewalld fail2ban docker.io ufw ferm shorewall libvirt-daemon-system
	libvirt-clients libvirt-daemon-config-network dnsmasq-base busybox-static)

work=$(mktemp -d)
trap 'umount -lR "$work" 2>/dev/null; rmdir "$work" 2>/dev/null || true' EXIT
mount -t tmpfs -o size=3g tools "$work"
mkdir "$work"/{upper,work,root}
root=$work/root
mount -t overlay tools -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tools "$root/run"
mount -t tmpfs tools "$root/tmp"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no service starts
chmod 755 "$root/usr/sbin/policy-rc.d"
chroot "$root" env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends "${tools[@]}" >"$work/apt.log" 2>&1 || {
	tail "$work/apt.log"
	echo 'SKIP: the programs cannot be installed' >&2
	exit 77
}
mkdir "$root/rec"

# inside NAME: runs the script on standard input there, with two interfaces; it writes to /rec/NAME.*
inside() {
	{
		cat <<-'END'
			export PATH=/usr/sbin:/usr/bin:/sbin:/bin
			ip link set lo up
			for i in eth0 eth1; do
				ip link add $i type veth peer name p$i
				ip link set $i up
			done
			ip addr add 192.0.2.10/24 dev eth0
			ip addr add 10.20.0.1/24 dev eth1
			ip route add default via 192.0.2.1
			save() {
				nft list ruleset >/rec/$1.nft 2>/dev/null
				iptables-save >/rec/$1.v4 2>/dev/null
				ip6tables-save >/rec/$1.v6 2>/dev/null
				iptables-legacy-save >>/rec/$1.v4 2>/dev/null
				ip6tables-legacy-save >>/rec/$1.v6 2>/dev/null
			}
		END
		cat
	} >"$root/rec/$1.sh"
	timeout 120 unshare -n -p -C -m -f --mount-proc="$root/proc" \
		chroot "$root" bash "/rec/$1.sh" >"$root/rec/$1.log" 2>&1 || true
}

inside firewalld <<'END'
mkdir -p /run/dbus
dbus-daemon --system --fork --nopidfile
firewalld --nofork &
for i in $(seq 60); do firewall-cmd --state && break; sleep 1; done
firewall-cmd --zone=public --add-interface=eth0
firewall-cmd --zone=internal --add-interface=eth1
firewall-cmd --zone=public --add-service=http
firewall-cmd --zone=public --add-port=8000-8010/tcp
firewall-cmd --zone=public --add-masquerade
firewall-cmd --zone=public --add-forward-port=port=8443:proto=tcp:toport=443:toaddr=10.20.0.5
firewall-cmd --zone=drop --add-source=198.51.100.0/24
firewall-cmd --zone=public --add-rich-rule='rule family="ipv4" source address="203.0.113.7" service name="ssh" log prefix="ssh " level="info" limit value="3/m" accept'
save firewalld
END
inside fail2ban <<'END'
cat >/etc/fail2ban/jail.local <<F
[sshd]
enabled = true
backend = polling
logpath = /rec/auth.log
port = ssh,2222
banaction = nftables
[recidive]
enabled = true
backend = polling
logpath = /rec/auth.log
banaction = nftables[type=allports]
F
touch /rec/auth.log
mkdir -p /run/fail2ban
fail2ban-server -b -s /run/fail2ban/s -p /run/fail2ban/p start
sleep 3
fail2ban-client -s /run/fail2ban/s set sshd banip 198.51.100.7 203.0.113.9 2001:db8::66
fail2ban-client -s /run/fail2ban/s set recidive banip 198.51.100.99
sleep 3
save fail2ban
END
inside docker <<'END'
mount -t cgroup2 none /sys/fs/cgroup
docker() { /usr/bin/docker -H unix:///run/docker.sock "$@"; }
dockerd -s vfs --data-root /tmp/docker --exec-root /run/docker -H unix:///run/docker.sock -p /run/docker.pid &
for i in $(seq 60); do docker version && break; sleep 0.5; done
mkdir -p /tmp/image/bin
cp /bin/busybox /tmp/image/bin/
tar -C /tmp/image -cf - . | docker import - busybox
docker network create web
docker run -d --name one -p 8080:80 -p 8443:443 busybox /bin/busybox sleep 600
docker run -d --name two --network web -p 127.0.0.1:5432:5432 busybox /bin/busybox sleep 600
sleep 2
save docker
docker rm -f one two
rmdir /sys/fs/cgroup/docker
END
inside ufw <<'END'
ufw --force enable
ufw allow 22/tcp
ufw limit 2222/tcp
ufw allow from 10.20.0.0/24 to any port 5432 proto tcp
ufw deny in on eth0 to any port 25
ufw route allow in on eth1 out on eth0
save ufw
END
inside ferm <<'END'
cat >/rec/ferm.conf <<F
domain (ip ip6) table filter {
	chain INPUT {
		policy DROP;
		mod state state INVALID DROP;
		mod state state (ESTABLISHED RELATED) ACCEPT;
		interface lo ACCEPT;
		proto tcp dport (ssh http https) ACCEPT;
		proto tcp dport 25 mod limit limit 5/minute ACCEPT;
	}
	chain FORWARD {
		policy DROP;
		mod state state (ESTABLISHED RELATED) ACCEPT;
		interface eth1 outerface eth0 ACCEPT;
	}
}
domain ip table nat chain POSTROUTING outerface eth0 MASQUERADE;
F
ferm /rec/ferm.conf
save ferm
END
inside shorewall <<'END'
cp /usr/share/doc/shorewall/examples/two-interfaces/* /etc/shorewall/
gunzip -f /etc/shorewall/*.gz
sed -i 's/^STARTUP_ENABLED=.*/STARTUP_ENABLED=Yes/' /etc/shorewall/shorewall.conf
shorewall start
save shorewall
END
inside libvirt <<'END'
mkdir -p /run/libvirt /run/dbus
dbus-daemon --system --fork --nopidfile
libvirtd -d
sleep 4
virsh net-start default
sleep 2
save libvirt
END

wrong=0
# check NAME FILE RULES-OPTION...: the file loads, and is judged as by the kernel
check() {
	local name=$1 file=$2 result
	shift 2
	result=$(timeout 600 "$build/tests/rules/rules" --packets "$packets" "$@" "$file" 2>&1 |
		grep ' differences' || true)
	printf '%-24s %s\n' "$name" "${result:-not compared}"
	[[ $result == "$packets packets,"*" 0 differences,"* ]] || wrong=$((wrong + 1))
}
cd "$root/rec"
for tool in firewalld fail2ban docker; do
	if ! "$build/bin/finwalld" -n -c "$tool.nft"; then
		wrong=$((wrong + 1))
		continue
	fi
	check "$tool, nft" "$tool.nft" --own
	python3 "$here/handed.py" "$build/bin/finwall" "$PWD/$tool.nft" || wrong=$((wrong + 1))
done
for save in {docker,ufw,ferm,shorewall,libvirt}.v[46]; do
	grep -q '^-A' "$save" || continue
	if ! "$build/bin/finwall" import-iptables "$save" >"$save.conf" 2>"$save.notes" ||
		! "$build/bin/finwalld" -n -c "$save.conf"; then
		cat "$save.notes"
		wrong=$((wrong + 1))
		continue
	fi
	check "$save" "$save"
done
if ((wrong)); then
	echo "$wrong not as expected"
	exit 1
fi
