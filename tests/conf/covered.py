#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the golden files cover every rule of the grammar and every error message.

covered.py [--list] SOURCE_DIR GOLDEN_TRACE GENERATED_PARSER

Rules: GOLDEN_TRACE, whose parser traces its reductions, reads all golden files, and each rule of
parse.y must be reduced. Messages: each format of an error message in the parser's sources must match
a line in bad/*.err. --list prints where each is covered. Exits 1 if one is not covered.
"""
import pathlib
import re
import subprocess
import sys

# Errors that no file can cause: failed allocations and reads, and bison's own error.
EXCEPTIONS = {
    "%s, expected something simpler",
    'cannot search "%s" (%s), expected a readable directory',
    # tests/unit/test_map.c: needs thousands of chains
    "too many verdicts in one map, expected at most %d different ones",
    # needs 16 million elements
    "the set is too large, expected at most %u elements",
    "set %.64s is too large, expected at most %u elements",
}

STRING = r'"((?:[^"\\]|\\.)*)"'
STRINGS = re.compile(STRING + r"(?:\s*" + STRING + ")*")
# Functions whose argument is an error message, and assignments of one.
STARTS = re.compile(
    r"\b(?:config_error|problem_text)\s*\(|snprintf\s*\(\s*problem,\s*(?:problem_size|sizeof)|"
    r"\bproblem\s*=\s*(?=\")|\bwant\s*=\s*(?=\")"
)
CONVERSION = re.compile(r"%(?:\.(?:\d+|\*))?(?:\" ?PRI\w+ ?\")?[-+ 0-9]*(?:hh|h|ll|l|z)?[a-zA-Z]|%%")


def strings_after(text, at):
    """The first run of adjacent string literals in the statement at `at`, joined."""
    end = text.find(";", at)
    while end != -1 and text.count('"', at, end) % 2 != 0:
        end = text.find(";", end + 1)
    statement = re.sub(r'"\s*PRI[a-z0-9]+\s*"?', "u", text[at:end])
    found = STRINGS.search(statement)
    if found is None:
        return None
    parts = re.findall(STRING, found.group(0))
    return "".join(parts).replace('\\"', '"').replace("\\\\", "\\")


def formats(source):
    """Yields (place, format) of each error message in the parser's sources."""
    policy = source / "daemon/policy"
    sets = source / "daemon/sets"
    files = sorted(policy.glob("*.c")) + [policy / "parse.y", policy / "scan.l"]
    files += sorted(sets.glob("*.c"))
    for path in files:
        text = path.read_text()
        text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
        for start in STARTS.finditer(text):
            message = strings_after(text, start.end())
            if message is not None and len(message) > 3:
                yield f"{path.name}:{text.count(chr(10), 0, start.start()) + 1}", message
        for row in re.finditer(r"\{ " + STRING + ", " + STRING + r" \},", text):
            if path.name == "parse.y":
                line = text.count("\n", 0, row.start()) + 1
                yield f"{path.name}:{line}", f'"{row.group(1)}" ({row.group(2)})'


def pattern(message):
    out = []
    at = 0
    for conversion in CONVERSION.finditer(message):
        out.append(re.escape(message[at : conversion.start()]))
        out.append("%" if conversion.group(0) == "%%" else ".*")
        at = conversion.end()
    return re.compile("".join(out) + re.escape(message[at:]))


def check_messages(source, is_list):
    lines = []
    for path in sorted((source / "tests/conf/bad").glob("*.err")):
        lines += [(path.name, line) for line in path.read_text(errors="replace").splitlines()]
    missing = 0
    seen = 0
    for place, message in formats(source):
        if message in EXCEPTIONS:
            continue
        seen += 1
        form = pattern(message)
        # the argument of a plain "%s" is an error message with a format of its own
        if form.pattern.replace(".*", "") == "":
            continue
        by = next((name for name, line in lines if form.search(line)), None)
        if by is None:
            missing += 1
            print(f"{place}: not in a golden file: {message}")
        elif is_list:
            print(f"{place}: {by}: {message}")
    return seen, missing


def check_rules(source, golden, parser, is_list):
    text = parser.read_text()
    # each rule has its own line; 0 is bison's start rule
    rows = re.search(r"yyrline\[\] =\s*\{(.*?)\}", text, re.S).group(1)
    lines = sorted(set(int(n) for n in re.findall(r"\d+", rows)) - {0})
    by = {}
    conf = source / "tests/conf"
    for path in sorted(conf.glob("good/*.conf")) + sorted(conf.glob("bad/*.conf")):
        run = subprocess.run(
            [golden, "parses", path.relative_to(conf)],
            cwd=conf,
            capture_output=True,
            timeout=120,
            check=False,
        )
        for line in re.findall(rb"Reducing stack by rule \d+ \(line (\d+)\)", run.stderr):
            by.setdefault(int(line), path.name)
    grammar = (source / "daemon/policy/parse.y").read_text().splitlines()
    missing = 0
    for line in lines:
        where = f"parse.y:{line}: {grammar[line - 1].strip()}"
        if line not in by:
            missing += 1
            print(f"not in a golden file: {where}")
        elif is_list:
            print(f"{by[line]}: {where}")
    return len(lines), missing


def main():
    args = sys.argv[1:]
    is_list = args[:1] == ["--list"]
    if is_list:
        args = args[1:]
    if len(args) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source = pathlib.Path(args[0])
    rules, rules_missing = check_rules(source, args[1], pathlib.Path(args[2]), is_list)
    messages, messages_missing = check_messages(source, is_list)
    print(
        f"{rules - rules_missing} of {rules} grammar rules and "
        f"{messages - messages_missing} of {messages} messages are in golden files"
    )
    if rules < 100 or messages < 80:
        print("too few were found: the sources were not parsed correctly")
        return 1
    return 1 if rules_missing + messages_missing > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
