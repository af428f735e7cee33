#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# words_check.sh WORDS.PY: words.py finds a listed phrase in comments, output, documents and
# identifiers, also across the end of a line, and finds nothing in plain text.
set -eu

words=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS NAME TEXT: words.py has this exit status for a file NAME with that text.
expect() {
	rm -f "$dir"/*
	printf '%b' "$3" >"$dir/$2"
	status=0
	python3 "$words" -q "$dir" >/dev/null || status=$?
	[ "$status" = "$1" ] || {
		echo "FAIL: $2 '$3': exit status $status instead of $1" >&2
		failed=1
	}
}

expect 1 a.c '/* The general way. */\n'
expect 1 a.c '/*\n * The general\n * way.\n */\n'
expect 1 a.c 'puts("the general way");\n'
expect 1 a.c 'int is_told;\n'
expect 1 a.sh '# The general\n# way.\n'
expect 1 a.sh 'echo "the general way"\n'
expect 1 a.py '# The general way.\n'
expect 1 a.md 'The general\nway.\n'
expect 1 a.8 'The general\nway.\n'
expect 0 a.c '/* The slow path. */\nint general, way; /* the general */ /* way */\n'
expect 0 a.c '#include "express.h"\n'
expect 0 a.sh 'general way # nothing\n'
# shellcheck disable=SC2016 # Markdown's
expect 0 a.md 'The setting `express`.\n'
expect 0 a.8 'The slow path.\n'
exit $failed
