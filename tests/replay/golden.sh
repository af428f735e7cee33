#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# golden.sh FINWALL CAPGEN GOLDEN-DIRECTORY: what finwall replay says, to the letter.
# FINWALL_UPDATE_GOLDEN=1 writes the golden files anew.

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

# same A B: two outputs are alike
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

"$capgen" nano ethernet story.pcap
expect default --timeout tcp.established=20s story.pcap
expect packets --timeout tcp.established=20s -v --differences 0 story.pcap
expect json --timeout tcp.established=20s --output json story.pcap
expect configs --config strict.conf --config remembered.conf --local 10.0.0.2 --local fd00::2/127 story.pcap
expect never-late story.pcap
expect sweep --sweep tcp.established=10s..2m --steps 5 story.pcap
expect sweep-json --sweep tcp.established=10s..2m --steps 2 -o json story.pcap
sed 's/ct state new tcp dport 80 accept/ct state new limit rate 1\/minute burst 2 packets accept/' \
	strict.conf >limit.conf
expect sweep-limit --config limit.conf --hook input --sweep tcp.established=10s..2m --steps 3 story.pcap
sed 's/tcp dport 80 accept/iifname "wan*" accept/' strict.conf >wan.conf
expect interfaces --config wan.conf --hook input --iif wan0 story.pcap
expect two-files --timeout tcp.established=20s --differences 1 story.pcap story.pcap

# a clock that leaps costs the packets that it leaps over no more than their time
"$capgen" nano raw leaps.pcap 0 leaps
expect leaps --timeout tcp.established=20s -v -c remembered.conf leaps.pcap

# every format and link layer says the same, but for ARP, which only Ethernet has
strip() {
	"$finwall" replay --timeout tcp.established=20s -v "$1" | sed "s/^$1:[0-9]* //; /^frames skipped, not-ip/d"
}
strip story.pcap >want
for format in micro nano swapped pcapng; do
	for link in ethernet vlan qinq pppoe sll sll2 null loop raw; do
		"$capgen" $format $link any.pcap
		strip any.pcap >got
		same want got
	done
done

# headers are enough; and less than that is seen to be less
"$capgen" nano ethernet any.pcap 96
strip any.pcap >got
same want got
"$capgen" nano ethernet headless.pcap 30
expect cut-short headless.pcap

# broken files: what came before counts, the others are read all the same
head -c 2000 story.pcap >broken.pcap
expect broken broken.pcap
expect broken-and-whole --differences 0 broken.pcap missing.pcap story.pcap
echo "this is no capture" >text.pcap
expect no-capture text.pcap
: >empty.pcap
expect empty empty.pcap

# standard input
"$finwall" replay --timeout tcp.established=20s -v - <story.pcap |
	sed 's/^-:[0-9]* //; /^frames skipped, not-ip/d' >got
same want got

# what is not understood
expect usage-none
expect usage-setting --set tcp.nonsense=1 story.pcap
expect usage-value --timeout tcp.established=0s story.pcap
expect usage-choice --set connections.late-close=never story.pcap
expect usage-range --sweep tcp.established=2h..10s story.pcap
expect usage-plot --plot x.svg story.pcap
expect usage-local --local 10.0.0.0/33 story.pcap
echo "settings { tcp { timeout established never } }" >wrong.conf
expect usage-config --config wrong.conf story.pcap

# the plot is well-formed and complete
"$finwall" replay --sweep tcp.established=10s..2m --plot plot.svg story.pcap >/dev/null
[ "$(grep -c '<polyline' plot.svg)" = 10 ] || { echo "FAIL: plot: 10 lines expected"; failed=1; }
if command -v python3 >/dev/null; then
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' plot.svg ||
		{ echo "FAIL: plot: no XML"; failed=1; }
fi

exit $failed
