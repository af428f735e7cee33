#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the counts of a build with coverage, and prints a table of the folders of daemon/.

    coverage.py TOP BUILD [--list FOLDER]...

Counted are the lines of the objects of the daemon: a header's lines count where a source of the
daemon uses them, not where a test does. A line that several objects have is reached if one of them
reaches it.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys


def notes_of(build):
    for folder, _, files in os.walk(os.path.join(build, "daemon")):
        for name in files:
            if name.endswith(".gcno"):
                yield os.path.join(folder, name)


def lines_of(notes):
    """(file, line, count) of one object. Without counts, no line was reached."""
    out = subprocess.run(
        ["gcov", "--json-format", "--stdout", notes],
        cwd=os.path.dirname(notes), check=True, capture_output=True).stdout
    found = []
    for text in out.splitlines():
        if not text.strip():
            continue
        data = json.loads(text)
        for source in data["files"]:
            path = os.path.normpath(
                os.path.join(data["current_working_directory"], source["file"]))
            found += [(path, line["line_number"], line["count"]) for line in source["lines"]]
    return found


def read(top, build):
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lines_of, sorted(notes_of(build))):
            for path, line, count in found:
                name = os.path.relpath(path, top)
                if name.startswith(("daemon/", "include/")):
                    counts[name][line] += count
    return counts


def show(title, files):
    total = sum(len(lines) for lines in files)
    reached = sum(1 for lines in files for count in lines.values() if count > 0)
    print(f"{title:<20} {len(files):>6} {total:>7} {reached:>8} {100 * reached / total:>7.1f}%")


def missing(top, name, lines):
    """The lines of a file that nothing reaches, with their text."""
    with open(os.path.join(top, name), encoding="utf-8") as f:
        text = f.read().splitlines()
    return [f"{name}:{nr}: {text[nr - 1].strip()}"
            for nr, count in sorted(lines.items()) if count == 0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("top")
    parser.add_argument("build")
    parser.add_argument("--list", action="append", default=[])
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    counts = read(args.top, args.build)
    if not counts:
        sys.exit("coverage: no counts")
    folders = collections.defaultdict(list)
    for name, lines in counts.items():
        folders[os.path.dirname(name)].append(lines)
    for folder in args.list:
        for name in sorted(counts):
            if os.path.dirname(name) == folder.rstrip("/"):
                for line in missing(args.top, name, counts[name]):
                    print(line)
    print(f"{'folder':<20} {'files':>6} {'lines':>7} {'reached':>8} {'':>8}")
    for folder in sorted(folders):
        show(folder, folders[folder])
    show("all", [lines for files in folders.values() for lines in files])


main()
