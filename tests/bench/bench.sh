#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# finwall-bench with tiny tables: bench.sh engine|usage|compare|path|latency|stall
# Values are not checked: a busy machine must not fail a test.
set -eu

bench=${FINWALL_BIN:-$(dirname "$0")/../../build/dev/bin}/finwall-bench
work=$(mktemp -d "${TMPDIR:-/tmp}/finwall-test.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	cat "$work"/*.txt >&2 || true
	exit 1
}

# exits_with STATUS COMMAND...: runs a command; its output goes to $work/out.txt.
exits_with() {
	expected=$1
	shift
	status=0
	"$@" >"$work/out.txt" 2>&1 || status=$?
	[ "$status" = "$expected" ] || fail "$* exited with $status, not $expected"
}

# has_result FILE ID: the results file has a positive median for it.
has_result() {
	python3 - "$1" "$2" <<-'CHECK' || fail "no result $2"
		import json, sys
		d = json.load(open(sys.argv[1]))
		assert d["schema"] == "finwall-bench/1" and d["machine"]["cpus"] > 0
		r = [r for r in d["results"] if r["id"] == sys.argv[2]]
		assert len(r) == 1 and r[0]["median"] > 0 and len(r[0]["samples"]) > 0
		assert r[0]["low"] <= r[0]["median"] <= r[0]["high"]
	CHECK
}

# results FILE MEDIAN [BETTER]: writes a results file with one result and a spread of 1 %.
results() {
	cat >"$1" <<-RESULTS
		{ "schema": "finwall-bench/1", "machine": { "cpus": 1 },
		  "results": [ { "id": "engine/x", "title": "x", "unit": "ns", "better": "${3:-lower}",
		    "median": $2, "low": $2, "high": $(($2 + $2 / 100)), "best": $2, "samples": [ $2 ] } ] }
	RESULTS
}

# one_colour FILE: in the page's charts a name has one colour, and a colour one name. The delay "end to
# end" inside finwalld is the one of finwalld; bars without a meaning of their colour are c13.
one_colour() {
	python3 - "$1" <<-'CHECK' || fail "colours of $1"
		import re, sys
		page = open(sys.argv[1]).read()
		pairs = re.findall(r'<line class="line (c\d+)"[^>]*>\s*<text class="name"[^>]*>([^<]*)<', page)
		pairs += [(c, n) for n, c in re.findall(
		    r'<text class="name" text-anchor="end"[^>]*>([^<]*)</text>\s*<rect class="bar (c\d+)"', page)]
		pairs = {(c, "finwalld, 1 queue" if n == "end to end" else n) for c, n in pairs}
		coloured = [(c, n) for c, n in pairs if c != "c13"]
		assert pairs, "no series"
		assert len({n for c, n in coloured}) == len(coloured), coloured
		assert len({c for c, n in coloured}) == len(coloured), coloured
	CHECK
}

needs_root() {
	[ "$(id -u)" = 0 ] || exit 77
	command -v iptables >/dev/null || exit 77
	unshare -n true 2>/dev/null || exit 77
}

case $1 in
engine)
	# All cases of that size, so that each checks the engine's counters.
	exits_with 0 "$bench" engine --runs 2 --packets 20000 --flows-max 1000 \
		--json "$work/e.json" --html "$work/e.html"
	for id in established/ipv4/1 established/ipv4/1k established/ipv6/1k \
		established/ipv4/1k/2t open/1k churn/1k flood/1k late/revive/1k memory/flow/1k \
		stall/1k stall/1k/raw set/ipv4/1k/hit set/ipv6/1k/miss set/load/ipv4/1k \
		rules/established/10k rules/open/10k/set rules/open/10k/list; do
		has_result "$work/e.json" "engine/$id"
	done
	grep -q '<svg' "$work/e.html" || fail "no chart"
	one_colour "$work/e.html"
	! grep -Eq 'https?://|src=|href=' "$work/e.html" || fail "the page loads another file"
	exits_with 0 "$bench" compare "$work/e.json" "$work/e.json"
	exits_with 0 "$bench" engine --runs 1 --packets 1000 --only 'open/1k'
	[ "$(grep -c 'ns/packet' "$work/out.txt")" = 1 ] || fail "--only has no effect"
	;;
usage)
	exits_with 0 "$bench" --help
	exits_with 2 "$bench"
	exits_with 2 "$bench" nonsense
	exits_with 2 "$bench" engine path
	exits_with 2 "$bench" engine --runs 0
	exits_with 2 "$bench" engine --runs 3x
	exits_with 2 "$bench" engine --flows-max -1
	exits_with 2 "$bench" compare only-one.json
	exits_with 2 "$bench" compare a b --threshold -5
	exits_with 3 "$bench" engine --only 'no/such/case'
	exits_with 3 "$bench" engine --runs 1 --packets 1000 --only open/1k --json /nowhere/x.json
	;;
compare)
	results "$work/a.json" 1000
	results "$work/b.json" 1200
	results "$work/c.json" 1005
	exits_with 1 "$bench" compare "$work/a.json" "$work/b.json"
	grep -q 'WORSE' "$work/out.txt" || fail "missing in the output"
	exits_with 0 "$bench" compare "$work/b.json" "$work/a.json"
	grep -q 'better' "$work/out.txt" || fail "missing in the output"
	exits_with 0 "$bench" compare "$work/a.json" "$work/b.json" --threshold 25%
	exits_with 0 "$bench" compare "$work/a.json" "$work/c.json" --threshold 0.1 # the spreads overlap
	results "$work/a.json" 1000 higher
	results "$work/b.json" 1200 higher
	exits_with 1 "$bench" compare "$work/b.json" "$work/a.json"
	exits_with 3 "$bench" compare "$work/a.json" "$work/none.json"
	echo '{ "schema": "other" }' >"$work/o.json"
	exits_with 3 "$bench" compare "$work/a.json" "$work/o.json"
	echo '[' >"$work/o.json"
	exits_with 3 "$bench" compare "$work/a.json" "$work/o.json"
	;;
path)
	needs_root
	exits_with 0 "$bench" path --quick --runs 1 --json "$work/p.json" --html "$work/p.html"
	for filter in nothing conntrack bare finwalld-1 finwalld-2; do
		for value in bulk small connect rtt-p50 rtt-p99.9; do
			has_result "$work/p.json" "path/$value/$filter"
		done
	done
	has_result "$work/p.json" path/cpu/finwalld-1
	one_colour "$work/p.html"
	has_result "$work/p.json" path/bulk/finwalld-1:conntrack
	;;
latency)
	needs_root
	exits_with 0 "$bench" latency --quick --runs 1 --json "$work/l.json" --html "$work/l.html"
	one_colour "$work/l.html"
	for load in 10k 50k 100k; do
		for what in nothing/end-to-end finwalld-1/end-to-end finwalld-1/decide \
			finwalld-1/verdict finwalld-1/stay; do
			has_result "$work/l.json" "latency/$load/$what/p99"
		done
	done
	;;
stall)
	needs_root
	exits_with 0 "$bench" stall --quick --only 'list*' --json "$work/s.json"
	has_result "$work/s.json" stall/list/longest
	has_result "$work/s.json" stall/list/sparse/p99.9
	;;
*)
	fail "no part $1"
	;;
esac
