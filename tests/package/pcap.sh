#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pcap.sh SOURCE: a build directory that was configured before libpcap was installed has finwall replay
# when it is configured again afterwards.
set -eu

source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A pkg-config that does not know libpcap.
real=$(command -v pkg-config) || exit 77
"$real" --exists libpcap || exit 77
cat >"$work/pkg-config" <<END
#!/bin/sh
for arg; do
	case \$arg in libpcap*) exit 1 ;; esac
done
exec $real "\$@"
END
chmod +x "$work/pkg-config"

# configure WORD OPTION...: the output of CMake has "finwall replay: WORD".
configure() {
	expected=$1
	shift
	cmake -S "$source" -B "$work/build" -G Ninja -DFINWALL_TESTS=OFF "$@" >"$work/out" 2>&1 || {
		cat "$work/out"
		exit 1
	}
	grep -q "finwall replay: $expected" "$work/out" || {
		cat "$work/out"
		echo "FAIL: not \"finwall replay: $expected\""
		exit 1
	}
}
configure no "-DPKG_CONFIG_EXECUTABLE=$work/pkg-config"
configure yes "-DPKG_CONFIG_EXECUTABLE=$real"
configure no -DFINWALL_PCAP=OFF
