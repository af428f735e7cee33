# SPDX-License-Identifier: GPL-2.0-or-later
#
# awk -v pods=N -f kube_save.awk /dev/null: a save of iptables as a node of Kubernetes has it with
# kube-proxy and a network policy agent, for N pods: three chains of table filter for each, behind a
# dispatcher of two levels, and its service in table nat. 620 pods are 5 500 rules in 1 900 chains of
# table filter.
BEGIN {
	groups = int((pods + 31) / 32)
	print "*nat"
	print ":PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]"
	print ":KUBE-SERVICES - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]"
	for (i = 0; i < pods; i++) {
		print ":KUBE-SVC-" i " - [0:0]\n:KUBE-SEP-" i " - [0:0]"
	}
	print "-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n-A POSTROUTING -j KUBE-POSTROUTING"
	print "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"
	print "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN"
	print "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n-A KUBE-POSTROUTING -j MASQUERADE --random-fully"
	for (i = 0; i < pods; i++) {
		printf "-A KUBE-SERVICES -d 10.96.%d.%d/32 -p tcp -m comment --comment \"default/web-%d:http\" -m tcp --dport 80 -j KUBE-SVC-%d\n", i / 250, 1 + i % 250, i, i
		printf "-A KUBE-SVC-%d ! -s 10.244.0.0/16 -d 10.96.%d.%d/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ\n", i, i / 250, 1 + i % 250
		printf "-A KUBE-SVC-%d -j KUBE-SEP-%d\n", i, i
		printf "-A KUBE-SEP-%d -s %s/32 -j KUBE-MARK-MASQ\n", i, address(i)
		printf "-A KUBE-SEP-%d -p tcp -m tcp -j DNAT --to-destination %s:8080\n", i, address(i)
	}
	print "COMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]"
	print ":KUBE-FIREWALL - [0:0]\n:KUBE-FORWARD - [0:0]\n:POD-TO - [0:0]\n:POD-FROM - [0:0]"
	for (g = 0; g < groups; g++) {
		print ":POD-TO-" g " - [0:0]\n:POD-FROM-" g " - [0:0]"
	}
	for (i = 0; i < pods; i++) {
		print ":POD-TW-" i " - [0:0]\n:POD-FW-" i " - [0:0]\n:POD-POL-" i " - [0:0]"
	}
	print "-A INPUT -j KUBE-FIREWALL"
	print "-A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD"
	print "-A FORWARD -s 10.244.0.0/16 -j POD-FROM\n-A FORWARD -d 10.244.0.0/16 -j POD-TO\n-A OUTPUT -j KUBE-FIREWALL"
	print "-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
	print "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP"
	print "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT"
	print "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
	for (g = 0; g < groups; g++) {
		printf "-A POD-TO -d 10.244.%d.0/27 -g POD-TO-%d\n-A POD-FROM -s 10.244.%d.0/27 -g POD-FROM-%d\n", g, g, g, g
	}
	print "-A POD-TO -j DROP\n-A POD-FROM -j DROP"
	for (i = 0; i < pods; i++) {
		g = int(i / 32)
		printf "-A POD-TO-%d -d %s/32 -m comment --comment \"rule to jump traffic destined to pod %d\" -g POD-TW-%d\n", g, address(i), i, i
		printf "-A POD-FROM-%d -s %s/32 -m comment --comment \"rule to jump traffic from pod %d\" -g POD-FW-%d\n", g, address(i), i, i
		printf "-A POD-TW-%d -m mark --mark 0x10000/0x10000 -j ACCEPT\n-A POD-TW-%d -j POD-POL-%d\n-A POD-TW-%d -j DROP\n", i, i, i, i
		printf "-A POD-FW-%d ! -s %s/32 -j DROP\n-A POD-FW-%d -j ACCEPT\n", i, address(i), i
		printf "-A POD-POL-%d -s 10.0.0.0/8 -p tcp -m multiport --dports 8080,%d -j ACCEPT\n", i, 9000 + i
		printf "-A POD-POL-%d -s 10.0.0.0/8 -p icmp -j ACCEPT\n", i
	}
	print "COMMIT"
}
function address(i) {
	return sprintf("10.244.%d.%d", i / 32, i % 32)
}
