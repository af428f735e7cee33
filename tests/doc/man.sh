#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# man.sh PAGE...: the manual pages, by both formatters that there are, as far as they are installed.
set -eu

failed=0
# complain PAGE TEXT: fails if the formatter printed a warning.
complain() {
	[ -z "$2" ] || {
		printf 'FAIL: %s:\n%s\n' "$1" "$2" >&2
		failed=1
	}
}
checked=
for page; do
	if command -v mandoc >/dev/null; then
		checked=mandoc
		complain "$page" "$(mandoc -Tlint -Wwarning "$page" 2>&1)"
	fi
	if command -v groff >/dev/null; then
		checked=groff
		complain "$page" "$(groff -ww -mandoc -Tutf8 "$page" 2>&1 >/dev/null)"
	fi
done
[ -n "$checked" ] || exit 77
exit $failed
