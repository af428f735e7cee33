#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reloads, restarts, an upgrade and kills, under new connections at a steady rate and a transfer
# whose ends compare checksums. A reload or a restart must not lose a queued packet (the sockets of
# the queues are stored). No new connection fails, and the transfer is not damaged. A kill must not
# lose a connection that was saved. How many younger ones a kill loses is counted.
#
#	storm.sh [RATE RELOADS RESTARTS KILLS [OLD NEW]]
#
# RATE: new connections per second, or what the machine sustains: it is divided by three when a run
# of two seconds without reloads loses something, or when a queue of 65536 packets is full. A
# quarter of the reloads has an invalid configuration. OLD and NEW: finwalld, or a Debian package
# with it; the upgrade is from OLD to NEW, or to a copy of the same program. ctest runs a small
# storm; the target `storm` runs the full one.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

rate=${1:-100} reloads=${2:-12} restarts=${3:-3} kills=${4:-1}
old=${5:-$bin/finwalld}
new=${6:-$bin/finwalld}
keeper=$bin/../tests/keeper

netns_begin iptables ip6tables iptables-restore ip6tables-restore python3 ss nstat
topo_pair client server
# The connections in TIME_WAIT need more ports than the default range has.
ns client sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
for ns_name in client server; do
	ns $ns_name sysctl -qw net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535 \
		net.ipv4.tcp_syncookies=0
done

# program FILE: installs a program, or that of a package, as $work/finwalld.
program() {
	case $1 in
	*.deb)
		rm -rf "$work/package"
		dpkg-deb -x "$1" "$work/package" || skip "cannot unpack $1"
		cp "$work/package/usr/sbin/finwalld" "$work/finwalld.new"
		;;
	*) cp "$1" "$work/finwalld.new" ;;
	esac
	mv "$work/finwalld.new" "$work/finwalld"
}

good_config() {
	cat >"$work/finwall.conf.new" <<-CONF
		# generation $1
		settings {
			queue { num 0; count 2; on-absent drop }
			state { interval 1s }
		}
		table inet finwall {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related accept
				ct state new tcp dport { 7000, 7100-7115, 7201-7220 } counter accept
				meta l4proto ipv6-icmp accept
			}
			chain output {
				type filter hook output priority filter; policy accept;
				ct state invalid counter drop
			}
		}
	CONF
	mv "$work/finwall.conf.new" "$work/finwall.conf"
}
broken_config() {
	echo "table inet finwall { chain input { nonsense $1 } }" >"$work/finwall.conf.new"
	mv "$work/finwall.conf.new" "$work/finwall.conf"
}

program "$old"
good_config 0
ns_bg server "$keeper" "$work/notify" "$work/finwalld" -c "$work/finwall.conf" \
	-s "$work/finwall.sock" -S "$work/state" >"$work/keeper.log" 2>>"$work/daemon.log"
keeper_pid=$bg_pid
run=1
wait_sec=60
is_ready() {
	grep -q "^ready $run\$" "$work/keeper.log" || gone "$keeper_pid"
}
ready() {
	wait_until is_ready
	! gone "$keeper_pid" || fail "finwalld ended"
}
ready

# The queue rules, with counters of the storm's ports before and behind them.
for tables in iptables ip6tables; do
	ns server $tables-restore <<-'RULES' || skip "no counters behind the queue in $tables"
		*mangle
		-A INPUT -p tcp --dport 7100:7115
		-A OUTPUT -p tcp --sport 7100:7115
		COMMIT
		*filter
		-A INPUT -j NFQUEUE --queue-balance 0:1
		-A OUTPUT -j NFQUEUE --queue-balance 0:1
		COMMIT
		*security
		-A INPUT -p tcp --dport 7100:7115
		-A OUTPUT -p tcp --sport 7100:7115
		COMMIT
	RULES
done
# counted TABLE: packets of the storm, in both directions.
counted() {
	for tables in iptables ip6tables; do
		ns server $tables-save -c -t "$1"
	done | sed -n 's/^\[\([0-9]*\):.*port.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
queued() {
	echo $(($(queue_column server 0 8) + $(queue_column server 1 8)))
}
queued_beyond() {
	[ "$(queued)" -gt "$1" ]
}
# some_pass N: waits for that many more packets.
some_pass() {
	wait_until queued_beyond $(($(queued) + $1))
}
kernel_drops() {
	echo $(($(queue_column server 0 6) + $(queue_column server 0 7) +
		$(queue_column server 1 6) + $(queue_column server 1 7)))
}

lost_by_kernel() {
	echo $(($(kernel_drops) - before_drops))
}

# The transfer, and 40 connections that stay open. (They also resolve the neighbours, which takes a
# second on a new link, with or without a firewall.)
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.out"
ns_bg server nice -n 5 "$peer" answer 7100-7115 10.1.0.2 fd01::2 >"$work/answer.out"
mkfifo "$work/held.in" "$work/holds.in"
ns_bg server sh -c "exec '$peer' listen 7201-7220 10.1.0.2 fd01::2 <>'$work/holds.in'" >"$work/holds.out"
for what in serve answer holds; do
	wait_until grep -q ready "$work/$what.out"
done
ns_bg client sh -c "exec '$peer' connect 7201-7220 10.1.0.2 fd01::2 <>'$work/held.in'" >"$work/held.out"
wait_until grep -q ready "$work/held.out"
ns_bg client "$peer" steady 10.1.0.2 7000 20 >"$work/steady.out"
steady_pid=$bg_pid

# storm_begin; storm_end WHAT: prints the outcome of the new connections; $failed have failed.
storm_begin() {
	before=$(counted mangle)
	before_passed=$(counted security)
	before_drops=$(kernel_drops)
	# A lower priority: in practice these would be other machines.
	ns_bg client nice -n 5 "$peer" storm "$rate" 100000 7100-7115 10.1.0.2 fd01::2 \
		>"$work/storm.out" 2>"$work/storm.log"
	storm_pid=$bg_pid
	storm_until=$(($(date +%s) + ${1:-0}))
	some_pass "$rate"
}
storm_lasts() {
	[ "$(date +%s)" -gt "$storm_until" ]
}
storm_end() {
	kill -TERM "$storm_pid"
	wait "$storm_pid" || true
	failed=$(sed -n 's/.*"failed":\([0-9]*\).*/\1/p' "$work/storm.out")
	slow=$(sed -n 's/.*"slow":\([0-9]*\).*/\1/p' "$work/storm.out")
	echo "$1: $(cat "$work/storm.out")"
	sort "$work/storm.log" | head -n 5
	! gone "$steady_pid" || fail "the transfer ended: $(cat "$work/steady.out")"
}
all_passed() {
	[ $(($(counted mangle) - before)) = $(($(counted security) - before_passed)) ]
}
# phase WHAT COMMAND...: runs the command in a storm, which must lose no packet and no connection.
# When a queue was full, because the machine is too slow for the rate, it runs again with a lower
# rate.
phase() {
	what=$1
	shift
	while :; do
		storm_begin
		"$@"
		storm_end "$what, $rate/s"
		if [ "$(lost_by_kernel)" = 0 ] || [ "$rate" -le 100 ]; then
			break
		fi
		echo "$what: a queue was full; again, with fewer"
		rate=$((rate / 3))
	done
	[ "$failed" = 0 ] || fail "$what: $failed connections failed"
	[ "$(lost_by_kernel)" = 0 ] ||
		fail "$what: the kernel dropped $(lost_by_kernel) packets at the queues"
	wait_sec=60
	if ! (wait_until all_passed) 2>/dev/null; then
		ns server "$bin/finwall" --socket "$work/finwall.sock" stats >"$work/stats.log"
		fail "$what: of $(($(counted mangle) - before)) packets" \
			"$(($(counted security) - before_passed)) passed"
	fi
	wait_sec=60
	echo "$what: $(($(counted mangle) - before)) packets queued, all of them passed"
}

# Find the rate that the machine sustains.
while :; do
	storm_begin 2
	wait_until storm_lasts
	storm_end "calm, $rate/s"
	if [ "$failed$(lost_by_kernel)$slow" = 000 ] || [ "$rate" -le 10 ]; then
		break
	fi
	rate=$((rate / 3))
done

refused_times() {
	grep -c 'the previous configuration stays in force$' "$work/daemon.log" || true
}
reload_often() {
	reload=0
	refused=$(refused_times)
	while [ $reload -lt "$reloads" ]; do
		reload=$((reload + 1))
		if [ $((reload % 4)) = 0 ]; then
			broken_config $reload
			! ns server "$bin/finwall" --socket "$work/finwall.sock" reload 2>/dev/null ||
				fail "an invalid configuration was loaded"
		else
			good_config $reload
			ns server "$bin/finwall" --socket "$work/finwall.sock" reload ||
				fail "reload failed"
		fi
		some_pass 20
	done
	[ $(($(refused_times) - refused)) = $((reloads / 4)) ] ||
		fail "the number of refused reloads is not that of invalid configurations"
	good_config last
}
phase "$reloads reloads" reload_often

restart() {
	kill -USR1 "$keeper_pid"
	run=$((run + 1))
	ready
	some_pass "$rate"
}
restart_often() {
	restart=0
	while [ $restart -lt "$restarts" ]; do
		restart
		restart=$((restart + 1))
	done
}
phase "$restarts restarts" restart_often

inode() {
	stat -Lc %i "/proc/$(sed -n 's/^started [0-9]* //p' "$work/keeper.log" | tail -n 1)/exe"
}
upgrade() {
	inode_before=$(inode)
	program "$new"
	restart
	[ "$(inode)" != "$inode_before" ] || fail "the upgrade did not take place"
}
phase "an upgrade" upgrade
[ "$(grep -c ' queues reused from the previous process$' "$work/daemon.log")" = $((run - 1)) ] ||
	fail "queues were not reused each time"

saved_since() {
	[ "$(stat -c %i-%Y "$work/state")" != "$1" ]
}
storm_begin
kill=0
while [ $kill -lt "$kills" ]; do
	wait_until saved_since "$(stat -c %i-%Y "$work/state")"
	some_pass "$rate"
	kill -USR2 "$keeper_pid"
	run=$((run + 1))
	ready
	some_pass "$rate"
	kill=$((kill + 1))
done
storm_end "$kills kills, $rate/s"
echo "$kills kills: $(lost_by_kernel) packets dropped by the kernel," \
	"$(($(counted mangle) - before - $(counted security) + before_passed)) by finwall or with it"

# Saved connections still work.
echo "send 7201-7220" >"$work/held.in"
echo "send 7201-7220" >"$work/holds.in"
all_speak() {
	[ "$(grep -c '^data' "$work/held.out")$(grep -c '^data' "$work/holds.out")" = 4040 ]
}
wait_until all_speak
kill -TERM "$steady_pid"
wait "$steady_pid" || fail "the transfer did not survive: $(cat "$work/steady.out")"
cat "$work/steady.out"
ns client ss -Htn state fin-wait-1 '( dport >= 7100 and dport <= 7115 )' >"$work/client.txt"
ns server ss -Htn '( sport >= 7100 and sport <= 7115 )' >"$work/server.txt"
echo "stuck sockets of the storm: $(wc -l <"$work/client.txt") in FIN-WAIT-1 at the client," \
	"$(wc -l <"$work/server.txt") at the server"
! grep '^exit' "$work/keeper.log" | grep -vE '^exit [0-9]+ (0|137)$' || fail "a daemon failed"
kill -TERM "$keeper_pid"
wait "$keeper_pid" || fail "the last daemon ended with $?"
