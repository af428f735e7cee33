# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # set by the scripts that source this file
#
# The gateways of cluster.sh with the kernel's tracker and conntrackd in place of finwall, for
# comparison: mode FTFW, states go straight into the other kernel's table. After cluster.sh.

# conntrackd_start GW: rules and daemon; its process ID is $gwN_pid.
conntrackd_start() {
	cat >"$work/conntrackd$1.conf" <<-CONF
		Sync {
			Mode FTFW {
				DisableExternalCache On
			}
			UDP {
				IPv4_address 10.4.0.$1
				IPv4_Destination_Address 10.4.0.$((3 - $1))
				Port 3780
				Interface sync
				SndSocketBuffer 4194304
				RcvSocketBuffer 4194304
				Checksum on
			}
		}
		General {
			HashSize 32768
			HashLimit 131072
			LogFile $work/conntrackd$1.txt
			LockFile $work/conntrackd$1.lock
			UNIX {
				Path $work/conntrackd$1.sock
			}
			NetlinkBufferSize 2097152
			NetlinkBufferSizeMaxGrowth 8388608
			Filter From Userspace {
				Protocol Accept {
					TCP
					UDP
				}
				Address Ignore {
					IPv4_address 127.0.0.1
				}
			}
		}
	CONF
	ns gw"$1" iptables -w -P FORWARD DROP
	ns gw"$1" iptables -w -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
	ns gw"$1" iptables -w -A FORWARD -p tcp --tcp-flags FIN,SYN,RST,ACK SYN \
		-m conntrack --ctstate NEW -j ACCEPT
	ns gw"$1" iptables -w -A FORWARD -p udp -s "$client_address" -j ACCEPT
	ns gw"$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 \
		net.netfilter.nf_conntrack_tcp_timeout_established="${established_s:-3600}"
	ns_bg gw"$1" conntrackd -C "$work/conntrackd$1.conf" >>"$work/conntrackd$1.txt" 2>&1
	eval "gw$1_pid=$bg_pid"
}

# entries_of GW: how many connections through it its kernel's tracker has.
entries_of() {
	ns gw"$1" conntrack -L -s "$client_address" 2>/dev/null | grep -c . || true
}

has_entries() {
	[ "$(entries_of "$1")" -ge "$2" ]
}
