#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon notices when its hook rules are removed, bypassed, or of another configuration, and
# finwall hook watch installs them again: within a second.
#
#	hook_watch.sh nft|legacy
#
# PATH decides which variant of iptables is used.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"
# shellcheck source=tests/support/cli.sh
. "$(dirname "$0")/../support/cli.sh"

kind=$1
netns_begin iptables ip6tables python3 socat ss
multi=$(command -v "xtables-$kind-multi") || skip "needs xtables-$kind-multi"
mkdir "$work/tools"
for tool in iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore; do
	ln -s "$multi" "$work/tools/$tool"
done
PATH=$work/tools:$PATH
export PATH
topo_pair client server
sock=$work/finwall.sock

# config WATCH QUEUES [SETTINGS]
config() {
	cat >"$work/finwall.conf" <<-CONF
		settings {
			queue { num 3; count $2 }
			hook { backend iptables; watch $1 }
			${3-}
		}
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related accept
				meta l4proto ipv6-icmp accept
				tcp dport 22 ct state new accept
			}
		}
	CONF
}
cat >"$work/manager.py" <<'PY'
# Prints the status of each notification of the service manager's protocol.
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
	for line in s.recv(4096).decode().split("\n"):
		if line.startswith("STATUS="):
			print(line[7:], flush=True)
PY
ns_bg server python3 "$work/manager.py" "$work/notify" >"$work/status.log"
wait_until grep -q listening "$work/status.log"
NOTIFY_SOCKET=$work/notify
export NOTIFY_SOCKET

status() {
	tail -n 1 "$work/status.log"
}
status_is() {
	status | grep -Eq "$1"
}
# within_a_second COMMAND...
within_a_second() {
	second_end=$(($(date +%s%N) + 1000000000))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -le "$second_end" ] || fail "not within a second: $*: $(status)"
		sleep 0.02
	done
}
answers() {
	[ "$(ns client socat -T 2 - "TCP:10.1.0.2:$1,connect-timeout=1" </dev/null 2>/dev/null)" = hello ]
}
no_rule() {
	! ns server iptables -w -C "$@"
}
refused() {
	! answers "$1"
}
for port in 22 23; do
	ns_bg server socat "TCP-LISTEN:$port,fork,reuseaddr" 'SYSTEM:echo hello'
	wait_until ns_listens server "$port"
done

config report 2
daemon_start server "$work/finwall.conf"
wait_until status_is '^Not filtering: no hook rule queues packets of IPv4 input'
ends 0 hook up
within_a_second status_is '^Filtering$'
answers 22 || fail "port 22 is closed"
refused 23 || fail "port 23 is open"

# Reported only: rules removed, one family, another rule first, and without effect.
ns server iptables -w -F
within_a_second status_is '^Not filtering: no hook rule queues packets of IPv4 input, IPv4 output$'
wait_until log_has 'no hook rule queues packets of IPv4 input, IPv4 output; finwall hook up'
ends 0 stats
out_has '^hook rules: no hook rule queues packets of IPv4 input'
out_has 'lost or bypassed 1 time'
ends 1 doctor -c "$work/finwall.conf"
out_has 'problem +hooks +IPv4: no hook rule queues packets of input'
answers 23 || fail "port 23 is not open without hook rules"
ends 0 hook up
within_a_second status_is '^Filtering$'
wait_until log_has 'the hook rules are installed'
ns server ip6tables -w -D OUTPUT -j FINWALL_OUTPUT
within_a_second status_is 'IPv6 output$'
ends 0 hook up
ns server iptables -w -N BLOCKED
ns server iptables -w -A BLOCKED -s 192.0.2.1 -j DROP
ns server iptables -w -I INPUT -j BLOCKED
ns server ip6tables -w -I INPUT -p tcp --dport 1 -j DROP
within_a_second status_is '^Filtering$'
ns server iptables -w -A BLOCKED -p tcp --dport 23 -j ACCEPT
within_a_second status_is '^Not filtering every packet: rules before .* IPv4 input$'
ends 1 doctor -c "$work/finwall.conf"
out_has 'problem +hooks +.*accept'
ns server iptables -w -F BLOCKED
within_a_second status_is '^Filtering$'

# A transfer goes on unseen while the hook rules are missing, and is not cut when they are back.
# loose off: it cannot be picked up anew.
config restore 2 'tcp { loose off }'
sed -i 's/watch restore/watch report/; s/dport 22/dport { 22, 7000 }/' "$work/finwall.conf"
ends 0 reload
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.out"
wait_until grep -q ready "$work/serve.out"
ns_bg client "$peer" bulk 10.1.0.2 7000 1500 >"$work/bulk.log"
bulk_pid=$bg_pid
sleep 0.5
ns server iptables -w -F
within_a_second status_is '^Not filtering'
sleep 0.5
ends 0 hook up
within_a_second status_is '^Filtering$'
wait "$bulk_pid" || fail "the transfer ended when the hook rules were back: $(cat "$work/bulk.log")"

# hook watch installs them again.
config restore 2
ends 0 reload
ns_bg server env -u NOTIFY_SOCKET "$bin/finwall" --socket "$sock" hook watch >"$work/watch.out" 2>"$work/watch.log"
watch_pid=$bg_pid
wait_until grep -q 'hook: queue 3-4' "$work/watch.out"
for i in 1 2 3; do
	ns server iptables -w -F
	ns server ip6tables -w -F
	within_a_second status_is '^Filtering$'
	within_a_second refused 23
	[ $i = 3 ] || sleep 1
done
ns server iptables -w -I INPUT -p tcp --dport 23 -j ACCEPT
wait_until refused 23
answers 22 || fail "port 22 is closed"

# A reload that adds a chain or changes hook settings is followed.
sed -i 's/^\(.*\)chain input/\1chain forward { type filter hook forward priority filter; }\n&/' \
	"$work/finwall.conf"
sed -i 's/watch restore/watch restore; loopback on/' "$work/finwall.conf"
ends 0 reload
! grep -q warning "$work/err" || fail "a warning although hook watch follows: $(cat "$work/err")"
wait_until ns server iptables -w -C FORWARD -j FINWALL_FORWARD
wait_until no_rule FINWALL_INPUT -i lo -j RETURN

# Without a chain there is nothing to queue.
cp "$work/finwall.conf" "$work/chains.conf"
sed -i '/^table/,$d' "$work/finwall.conf"
ends 0 reload
wait_until no_rule INPUT -j FINWALL_INPUT
cp "$work/chains.conf" "$work/finwall.conf"
ends 0 reload
wait_until ns server iptables -w -C INPUT -j FINWALL_INPUT
wait_until status_is '^Filtering$'

# hook down by command stays down.
ends 0 hook down
wait_until status_is '^Not filtering'
sleep 1.5
status_is '^Not filtering' || fail "hook watch installed what hook down removed"
ends 0 hook up
wait_until status_is '^Filtering$'
ns server iptables -w -F
wait_until status_is '^Filtering$'

# hook watch pauses between installations, the longer the more there were
ends 0 hook up

# For a restart, as the unit does it: they stay, and the next one takes over.
kill -USR1 "$watch_pid"
kill -TERM "$watch_pid" 2>/dev/null || true
wait "$watch_pid" || fail "hook watch ended with $? at SIGUSR1"
ns server iptables -w -C INPUT -j FINWALL_INPUT || fail "hook watch removed the rules at SIGUSR1"
refused 23 || fail "port 23 is open between two runs of hook watch"
# The next one tests once what the kernel can do, not while packets pass.
cat >"$work/tools/nft" <<-TOOL
	#!/bin/sh
	echo "\$1" >>"$work/nft.log"
	exit 1
TOOL
chmod 755 "$work/tools/nft"
sed -i 's/backend iptables/backend auto/' "$work/finwall.conf"
ends 0 reload
ns_bg server env -u NOTIFY_SOCKET "$bin/finwall" --socket "$sock" hook watch >"$work/watch.out" 2>"$work/watch.log"
watch_pid=$bg_pid
wait_until grep -q 'hook: queue 3-4' "$work/watch.out"
grep -q '^-c' "$work/nft.log" || fail "hook watch does not test nft"
: >"$work/nft.log"
ns server iptables -w -F
wait_until ns server iptables -w -C INPUT -j FINWALL_INPUT
! grep -q '^-c' "$work/nft.log" || fail "hook watch tests nft while packets pass"

# Rules that vanish again before the daemon has read them: for the daemon nothing changes.
wait_until status_is '^Filtering$'
flush() {
	ns server iptables -w -F
	ns server ip6tables -w -F
}
kill -STOP "$watch_pid"
flush
wait_until status_is '^Not filtering.* IPv6 output$'
kill -STOP "$daemon_pid"
kill -CONT "$watch_pid"
wait_until ns server ip6tables -w -C OUTPUT -j FINWALL_OUTPUT
flush
kill -CONT "$daemon_pid"
wait_until ns server ip6tables -w -C OUTPUT -j FINWALL_OUTPUT
wait_until status_is '^Filtering$'

# A daemon that hangs while hook watch pauses before the next installation: what the daemon wanted
# last is installed.
for i in 1 2; do
	flush
	wait_until status_is '^Not filtering'
	wait_until status_is '^Filtering$'
done
flush
wait_until status_is '^Not filtering.* IPv6 output$'
kill -STOP "$daemon_pid"
wait_until ns server ip6tables -w -C OUTPUT -j FINWALL_OUTPUT
kill -CONT "$daemon_pid"
wait_until status_is '^Filtering$'

# At SIGTERM it removes them.
kill -TERM "$watch_pid"
wait "$watch_pid" || fail "hook watch ended with $?"
! ns server iptables -w -S | grep -q FINWALL || fail "hook watch left rules"
wait_until status_is '^Not filtering'
daemon_end
