#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the entries of two nodes, one by one.

same_entries.py FILE FILE TOLERANCE_S     files: finwall list --output conntrack

An entry is the same if protocol, state, tuples and flags are, and its timeouts differ by no more
than the tolerance. Prints "ENTRIES entries, LONGEST s apart", or the first differences; the exit
status is 1 if there are some.
"""
import sys


def read(path):
    """What identifies an entry, to its timeout."""
    entries = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            entries[" ".join(words[:2] + words[3:])] = int(words[2])
    return entries


def main():
    one, two = read(sys.argv[1]), read(sys.argv[2])
    tolerance_s = float(sys.argv[3])
    longest_s = max((abs(one[e] - two[e]) for e in one.keys() & two.keys()), default=0)
    differences = [f"only in the first: {e}" for e in one.keys() - two.keys()]
    differences += [f"only in the second: {e}" for e in two.keys() - one.keys()]
    differences += [f"{one[e]} s and {two[e]} s: {e}" for e in one.keys() & two.keys()
                    if abs(one[e] - two[e]) > tolerance_s]
    for difference in differences[:10]:
        print(difference)
    print(f"{len(one)} entries, timeouts at most {longest_s} s apart, {len(differences)} differences")
    sys.exit(1 if differences else 0)


main()
