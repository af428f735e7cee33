#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Settings of the workers: pin, spin, latency and prefault. Packets pass with each.
# shellcheck source=tests/support/netns.sh
. "$(dirname "$0")/../support/netns.sh"

netns_begin iptables ip6tables
topo_pair client server

# config QUEUE-SETTINGS PREFAULT: two workers, tables of about 13 MiB.
config() {
	cat >"$work/finwall.conf" <<-CONF
		settings {
			queue { num 3; count 2; $1 }
			connections { max 64K; remember-max 64K; prefault $2 }
		}
		table inet finwall {
			chain input { type filter hook input priority filter; policy accept; }
		}
	CONF
}
# cpus_of QUEUE: the CPUs that its worker may use.
cpus_of() {
	for task in "/proc/$daemon_pid/task"/*; do
		if [ "$(cat "$task/comm")" = "queue $1" ]; then
			awk '$1 == "Cpus_allowed_list:" { print $2 }' "$task/status"
		fi
	done
}
talk() {
	ns client "$peer" short 10.1.0.2 7000 200 >/dev/null || fail "connections with $1"
}
stats() {
	"$bin/finwall" --socket "$work/finwall.sock" stats --output json >"$work/stats.json"
}
is_timed() {
	talk "latency on" && stats && grep -q '"decide"' "$work/stats.json"
}
rss_is_above() {
	[ "$(daemon_rss)" -ge "$1" ]
}

first=$(awk '$1 == "Cpus_allowed_list:" { print $2 }' /proc/self/status | sed 's/[-,].*//')
config "pin on; spin 300us" on
daemon_start server "$work/finwall.conf"
ns_queue server INPUT --queue-balance 3:4
for queue in 3 4; do
	case $(cpus_of "$queue") in
	"" | *[!0-9]*) fail "queue $queue is not pinned to one CPU: $(cpus_of "$queue")" ;;
	esac
done
wait_sec=60 wait_until rss_is_above $((12 * 1024))
ns_bg server "$peer" serve 10.1.0.2 7000 >"$work/serve.log"
wait_until grep -q ready "$work/serve.log"
talk "spin and pin"
stats
! grep -q '"decide"' "$work/stats.json" || fail "latency is measured with latency off"

# latency changes with a reload; a setting that cannot change is logged.
config "pin on; spin 400us; latency on" on
"$bin/finwall" --socket "$work/finwall.sock" reload >/dev/null || fail "reload"
log_has 'queue spin' || fail "the fixed setting was not logged"
wait_until is_timed
daemon_end

# A list of CPUs; a CPU that does not exist is logged.
: >"$work/daemon.log"
config "pin $first,1023" off
daemon_start server "$work/finwall.conf"
[ "$(cpus_of 3)" = "$first" ] || fail "pin $first: $(cpus_of 3)"
log_has 'queue 4: worker is not pinned' || fail "CPU 1023 was not logged"
[ "$(daemon_rss)" -lt $((200 * 1024)) ] || fail "prefault off took $(daemon_rss) KiB"
talk "a worker that is not pinned"
daemon_end
