#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# golden.sh FINWALL CAPGEN GOLDEN-DIRECTORY: compares the output of finwall replay with files.
# FINWALL_UPDATE_GOLDEN=1 writes the golden files.

set -eu
export LC_ALL=C

finwall=$1
capgen=$2
golden=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

# expect NAME ARGUMENT...: output, messages and exit code are as in NAME.txt
expect() {
	name=$1
	shift
	code=0
	"$finwall" replay "$@" >out 2>err || code=$?
	{
		echo "\$ finwall replay $*"
		cat out
		sed 's/^/stderr: /' err
		echo "exit $code"
	} >"$name.txt"
	if [ "${FINWALL_UPDATE_GOLDEN:-}" = 1 ]; then
		cp "$name.txt" "$golden/$name.txt"
	fi
	diff -u "$golden/$name.txt" "$name.txt" || failed=1
}

# same A B: two outputs are equal
same() {
	diff -u "$1" "$2" || { echo "FAIL: $1 and $2 differ"; failed=1; }
}

cat >strict.conf <<'CONF'
settings {
	tcp { timeout established 20s }
	connections { late-close strict; on-idle forget; resurrect off }
}
table inet finwall {
	chain input { type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state new tcp dport 80 accept
	}
	chain output { type filter hook output priority filter; policy accept;
		ct state invalid drop
	}
}
CONF
sed 's/late-close strict; on-idle forget; resurrect off/late-close remembered/' strict.conf >remembered.conf

"$capgen" nano ethernet closes.pcap
expect default --timeout tcp.established=20s closes.pcap
expect packets --timeout tcp.established=20s -v --differences 0 closes.pcap
expect json --timeout tcp.established=20s --output json closes.pcap
expect configs --config strict.conf --config remembered.conf --local 10.0.0.2 --local fd00::2/127 closes.pcap
expect never-late closes.pcap
expect sweep --sweep tcp.established=10s..2m --steps 5 closes.pcap
expect sweep-json --sweep tcp.established=10s..2m --steps 2 -o json closes.pcap
sed 's/ct state new tcp dport 80 accept/ct state new limit rate 1\/minute burst 2 packets accept/' \
	strict.conf >limit.conf
expect sweep-limit --config limit.conf --hook input --sweep tcp.established=10s..2m --steps 3 closes.pcap
sed 's/tcp dport 80 accept/iifname "wan*" accept/' strict.conf >wan.conf
expect interfaces --config wan.conf --hook input --iif wan0 closes.pcap
expect no-interfaces --config wan.conf --hook input closes.pcap
sed 's/late-close strict; on-idle forget; resurrect off/late-close verify/' strict.conf >verify.conf
expect verify --config verify.conf --config strict.conf --local 10.0.0.2 --local fd00::2/127 closes.pcap
expect verify-packets --config verify.conf --config strict.conf --local 10.0.0.2 --local fd00::2/127 \
	-v --differences 0 closes.pcap
expect verify-json --config verify.conf --output json closes.pcap
"$capgen" nano any copies.pcap
expect copies --timeout tcp.established=20s --differences 0 copies.pcap
expect two-files --timeout tcp.established=20s --differences 1 closes.pcap closes.pcap

# a jump of the clock changes only the time of packets
"$capgen" nano raw leaps.pcap 0 leaps
expect leaps --timeout tcp.established=20s -v -c remembered.conf leaps.pcap

# every format and link layer has the same output, except ARP, which only Ethernet has
strip() {
	"$finwall" replay --timeout tcp.established=20s -v "$1" | sed "s/^$1:[0-9]* //; /^frames skipped, /d"
}
strip closes.pcap >want
for format in micro nano swapped pcapng; do
	for link in ethernet vlan qinq pppoe sll sll2 any null loop raw; do
		"$capgen" $format $link any.pcap
		strip any.pcap >got
		same want got
	done
done

# headers are sufficient; less than the headers is reported
"$capgen" nano ethernet any.pcap 96
strip any.pcap >got
same want got
"$capgen" nano ethernet headless.pcap 30
expect cut-short headless.pcap

# broken files: packets before the error count, and the other files are read
head -c 2000 closes.pcap >broken.pcap
expect broken broken.pcap
expect broken-and-whole --differences 0 broken.pcap missing.pcap closes.pcap
echo "this is no capture" >text.pcap
expect no-capture text.pcap
: >empty.pcap
expect empty empty.pcap

# standard input
"$finwall" replay --timeout tcp.established=20s -v - <closes.pcap |
	sed 's/^-:[0-9]* //; /^frames skipped, not-ip/d' >got
same want got

# usage errors
expect usage-none
expect usage-setting --set tcp.nonsense=1 closes.pcap
expect usage-value --timeout tcp.established=0s closes.pcap
expect usage-choice --set connections.late-close=never closes.pcap
expect usage-range --sweep tcp.established=2h..10s closes.pcap
expect usage-plot --plot x.svg closes.pcap
expect usage-local --local 10.0.0.0/33 closes.pcap
echo "settings { tcp { timeout established never } }" >wrong.conf
expect usage-config --config wrong.conf closes.pcap

# the chart is well-formed and complete
"$finwall" replay --sweep tcp.established=10s..2m --plot plot.svg closes.pcap >/dev/null
[ "$(grep -c '<polyline' plot.svg)" = 10 ] || { echo "FAIL: plot: 10 lines expected"; failed=1; }
if command -v python3 >/dev/null; then
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' plot.svg ||
		{ echo "FAIL: plot: no XML"; failed=1; }
fi

exit $failed
