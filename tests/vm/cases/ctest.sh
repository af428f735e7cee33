# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# summary: the tests in network namespaces, on this kernel (needs -B DIR)
# backends: any

# The tree is the host's, at the same path, with what tests write in memory.
phase_1() {
	mkdir -p /lower /upper "$TREE"
	mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,ro tree /lower
	mount -t tmpfs tmpfs /upper
	mkdir /upper/files /upper/work
	mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay "$TREE"
	local number=0
	ctest --test-dir "$BUILD" -L netns -R "$REGEX" -E storm --output-on-failure >/share/ctest.txt 2>&1 || true
	# Also what those print that pass, and why one is skipped.
	cp "$BUILD/Testing/Temporary/LastTest.log" /share/tests.txt
	while read -r name outcome; do
		number=$((number + 1))
		case $outcome in
		Passed) result "$name" ok ;;
		*Skipped*) result "$name" ok "skipped" ;;
		*) result "$name" FAIL "$outcome" ;;
		esac
	done < <(sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) \.*( +|\*\*\*)([A-Za-z]+).*/\1 \3/p' /share/ctest.txt)
	check "tests were run" test "$number" -gt 0
}
