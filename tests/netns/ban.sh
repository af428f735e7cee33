#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# set add --kill: a ban ends the connections that it hits, although established ones are accepted
# before the set is looked up; others go on. With --reset the sockets of both ends close.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables python3
here=$(dirname "$0")
topo_gateway client router server
ns client ip addr add 10.2.0.2/24 dev eth0
ns client ip addr add 10.2.0.3/24 dev eth0
ns client ip addr add fd02::2/64 dev eth0 nodad
sock=$work/finwall.sock
cat >"$work/finwall.conf" <<'END'
settings {
	queue { num 7; count 2 }
	connections { max 4096; remember-max 4096 }
	tcp { timeout close 1s }
}
table inet finwall {
	set ban4 {
		type ipv4_addr
		flags interval
	}
	set ban6 {
		type ipv6_addr
		flags interval
	}
	set timed {
		type ipv4_addr
		flags timeout
	}
	set closed {
		type inet_service
	}
	set marks {
		type mark
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ip saddr @ban4 drop
		ip daddr @ban4 drop
		ip saddr @timed drop
		ip6 saddr @ban6 drop
		tcp dport @closed drop
		udp dport @closed drop
		ct state new accept
		meta l4proto ipv6-icmp accept
	}
}
END
daemon_start router "$work/finwall.conf"
finwall() {
	ns router "$bin/finwall" --socket "$sock" "$@" >"$work/out" 2>"$work/err"
}
ends() {
	want=$1
	code=0
	shift
	finwall "$@" || code=$?
	[ "$code" = "$want" ] ||
		fail "finwall $*: exit status $code, not $want: $(cat "$work/out" "$work/err")"
}
out_is() {
	[ "$(cat "$work/out")" = "$1" ] || fail "not \"$1\": $(cat "$work/out")"
}
ends 0 hook up -c "$work/finwall.conf"

ns_bg server python3 "$here/ban.py" serve >"$work/serve.log" 2>&1
wait_until ns_listens server 7002
mkfifo "$work/ask"
ns client python3 "$here/ban.py" talk <"$work/ask" >"$work/answers" 2>"$work/talk.log" &
bg_pids="$bg_pids $!"
exec 3>"$work/ask"
asked=0
# talks NAME WHAT: what happens to a byte on the connection: echo, nothing, or reset.
talks() {
	echo "$1" >&3
	asked=$((asked + 1))
	wait_until has_answers
	got=$(sed -n "${asked}p" "$work/answers")
	[ "$got" = "$1 $2" ] || fail "$got, not $2"
}
has_answers() {
	[ "$(wc -l <"$work/answers")" -ge "$asked" ]
}
for name in tcp1 tcp2 tcp3 tcp6 port udp; do
	talks "$name" echo
done

# Completion knows the sets and the connections of the running daemon, also behind a colon.
offered() { # offered WORD...: what completion offers for the last word
	ns router bash -c '. "$1"; shift; PATH=$1:$PATH; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_finwall; printf "%s " "${COMPREPLY[@]}"' bash "$here/../../cli/completion/finwall.bash" \
		"$(cd "$bin" && pwd)" finwall --socket "$sock" "$@"
}
[ "$(offered set add ban)" = 'ban4 ban6 ' ] || fail "sets: $(offered set add ban)"
[ "$(offered get udp 10.2)" != '' ] || fail "connections: $(offered get udp 10.2)"
[ "$(offered get udp 10.2.0.1 : '')" = "$(offered get udp 10.2 | cut -d: -f2)" ] ||
	fail "ports: $(offered get udp 10.2.0.1 : '')"

# tcp1 and udp are 10.2.0.1's, tcp2 and port 10.2.0.2's, tcp3 10.2.0.3's, tcp6 fd02::2's.
ends 0 set add ban4 10.2.0.1
talks tcp1 echo # as in nft: established connections are accepted before
ends 0 set add --kill ban4 10.2.0.1
out_is '0 added
2 connections and 0 remembered ones ended'
talks tcp1 nothing
talks udp nothing
talks tcp2 echo
talks tcp6 echo
ends 0 set add --kill --reset ban6 fd02::/64
out_is '1 added
1 connections and 0 remembered ones ended, 2 resets sent'
talks tcp6 reset
server_lost() {
	grep -q "^reset fd02::2" "$work/serve.log"
}
wait_until server_lost
ends 0 set add --kill --output json closed 7002
out_is '{"changed":1,"deleted":1,"remembered":0,"resets":0}'
talks port nothing
talks tcp2 echo

# An element with a timeout.
ends 0 set add --kill timed '{ 10.2.0.2 timeout 1h }'
out_is '1 added
1 connections and 0 remembered ones ended'
talks tcp2 nothing

# Remembered connections are ended too: the entry of tcp3 is kept after a flush.
ends 0 flush --remember
ends 0 set add --kill ban4 10.2.0.3
out_is '1 added
0 connections and 1 remembered ones ended'
talks tcp3 nothing

ends 1 set add --kill marks 7
ends 2 set add --reset ban4 192.0.2.1
ends 2 set delete --kill ban4 10.2.0.1
ends 1 set add --kill ban4 nonsense
daemon_end
