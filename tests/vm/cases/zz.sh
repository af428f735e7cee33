# shellcheck shell=bash
# summary: scratch
# backends: any
phase_1() {
	mkdir -p /lower
	mount -t 9p -o trans=virtio,version=9p2000.L,ro tree /lower
	cp -r /lower/build/vmtest /root/v
	for l in /root/v/lib/*; do cp -n "$l" /usr/lib/x86_64-linux-gnu/ || true; done
	uname -r >/share/zz.txt
	(cd /root/v; ./n2load n2.o 4 2>&1 | tail -20) >>/share/zz.txt 2>&1 || true
	modprobe -a xt_bpf nf_conntrack nfnetlink_queue nf_conntrack_netlink || true
	for a in "tcp 4" "tcp 6" "udp 4"; do
		set -- $a
		if (cd /root/v; timeout 300 ./oracle --program --proto $1 --family $2 --packets 20000 --seconds 60 --seed 7) >>/share/zz.txt 2>&1
		then result "oracle $1$2" ok; else result "oracle $1$2" FAIL $?; fi
	done
}
