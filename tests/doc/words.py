#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""words.py [-l] [-r RULES] [-q] DIR [PATH ...]

Counts the phrases of words.txt in the comments, documents, program output and identifiers of the
source tree DIR, or of the files and directories PATH below it. Prints one line per phrase that
remains. -l lists each occurrence as FILE:LINE: PHRASE: TEXT, with the term to use instead.
Exit status: 0 if nothing remains, 1 if something does, 2 for a usage error.
"""

import argparse
import bisect
import fnmatch
import io
import os
import re
import subprocess
import sys
import tokenize

GAP = "\0"  # stands for a character that is not text; no phrase matches across it

C_TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/|//[^\n]*)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>'(?:\\.|[^'\\\n])+')",
    re.S,
)
C_ESCAPE = re.compile(r"\\[ntr]")
C_INCLUDE = re.compile(r"^\s*#\s*include\b.*$", re.M)
HASH_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#[^\n]*", re.M)
QUOTED = re.compile(r"'[^'\n]*'|\"(?:\\.|[^\"\\\n])*\"")
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?[^\n]*\n(.*?)^\s*\1\s*$", re.S | re.M)
MD_SPAN = re.compile(r"`[^`\n]+`")
MD_BLOCK = re.compile(r"^```.*?^```", re.S | re.M)

SKIP = ("LICENSE", "*.svg", "*.pcap", "*.out", "*.err", "tests/fuzz/corpus/*", "tests/conf/bad/*",
        "tests/doc/words.*", "debian/changelog", "debian/copyright", "build/*")


class Text:
    """The parts of a file by kind, each as long as the file, with gaps in place of all else."""

    def __init__(self, source):
        self.source = source
        self.parts = {}

    def keep(self, kind, start, end):
        part = self.parts.setdefault(kind, [GAP] * len(self.source))
        part[start:end] = self.source[start:end]

    def blank(self, kind, pattern):
        """Replaces what the pattern matches in a part by spaces: it neither counts nor divides."""
        if kind in self.parts:
            text = "".join(self.parts[kind])
            self.parts[kind] = list(pattern.sub(lambda m: " " * len(m.group()), text))


def join_comments(text, leader):
    """Lets a phrase match over the end of a comment's line."""
    part = "".join(text.parts.get("comment", []))
    if not part:
        return
    pattern = re.compile(leader)
    part = pattern.sub(lambda m: " " * len(m.group()), part)
    text.parts["comment"] = list(part)


def split_c(text):
    source = C_INCLUDE.sub(lambda m: GAP * len(m.group()), text.source)
    code = list(source)
    for m in C_TOKEN.finditer(source):
        kind = m.lastgroup
        code[m.start():m.end()] = GAP * (m.end() - m.start())
        if kind == "comment":
            text.keep("comment", m.start(), m.end())
        elif kind == "string":
            text.keep("output", m.start(), m.end())
    text.parts["code"] = code
    text.blank("output", C_ESCAPE)
    join_comments(text, r"\n[ \t]*\*?(?!/)")


def split_python(text):
    lines = [0]
    for line in io.StringIO(text.source):
        lines.append(lines[-1] + len(line))
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.source).readline):
            start = lines[token.start[0] - 1] + token.start[1]
            end = lines[token.end[0] - 1] + token.end[1]
            if token.type == tokenize.COMMENT:
                text.keep("comment", start, end)
            elif token.type == tokenize.STRING:
                text.keep("comment" if token.string.startswith('"""') else "output", start, end)
    except (tokenize.TokenError, IndentationError) as error:
        sys.exit(f"words.py: {error}")


def split_shell(text):
    source = text.source
    for m in HEREDOC.finditer(source):
        text.keep("output", m.start(2), m.end(2))
    for m in HASH_COMMENT.finditer(source):
        if source[m.start():m.start() + 2] != "#!":
            text.keep("comment", m.start(), m.end())
    for line in re.finditer(r"[^\n]+", source):
        if not line.group().lstrip().startswith("#"):
            for m in QUOTED.finditer(line.group()):
                text.keep("output", line.start() + m.start(), line.start() + m.end())
    close_gaps(text)


def close_gaps(text):
    """Consecutive lines that are nothing but comment become one text."""
    part = "".join(text.parts.get("comment", []))
    if part:
        part = re.sub(r"\0[\0\t ]*#", lambda m: " " * len(m.group())
                      if text.source[m.start():m.end()].strip() == "#" else m.group(), part)
        text.parts["comment"] = list(part)


def split_document(text):
    text.keep("document", 0, len(text.source))
    if text.markdown:
        text.blank("document", MD_BLOCK)
        text.blank("document", MD_SPAN)
    else:
        text.blank("document", re.compile(r"^\.(?:Xr|Ic|Cm|Pa|Ar|Fl|Li)\b.*$", re.M))
        text.blank("document", re.compile(r"^\.\w+", re.M))


def split(path, source):
    text = Text(source)
    name = os.path.basename(path)
    text.markdown = path.endswith(".md")
    if re.search(r"\.(c|h|y|l)(\.in)?$", name):
        split_c(text)
    elif name.endswith(".py"):
        split_python(text)
    elif re.search(r"\.(md|[158])$", name) or ".README" in name or path.startswith("debian/control"):
        split_document(text)
    elif re.search(r"\.(sh|pkt|conf|rules|cmake|bash|service\.in|conf\.in|yml)$|CMakeLists\.txt$", name) \
            or source.startswith("#!") or path.startswith("debian/"):
        split_shell(text)
    else:
        return None
    return text


class Rule:
    def __init__(self, where, phrase, instead):
        self.where = where
        self.phrase = phrase
        self.instead = instead
        self.pattern = re.compile(re.sub(r"(?<!\[) ", r"\\s+", phrase), re.I)
        self.count = 0


KINDS = {
    "any": ("comment", "document", "output"),
    "comment": ("comment",),
    "output": ("output",),
    "document": ("document",),
    "prose": ("comment", "document"),
    "code": ("code",),
}


def read_rules(path):
    """Lines are WHERE<tab>PHRASE<tab>INSTEAD, or allow<tab>FILES<tab>LINE<tab>REASON."""
    rules, allowed = [], []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            field = re.split(r"\t+", line.rstrip("\n"))
            if field[0] == "allow" and len(field) == 4:
                allowed.append((field[1], re.compile(field[2], re.I)))
            elif field[0] in KINDS and len(field) == 3:
                rules.append(Rule(*field))
            else:
                sys.exit(f"{path}:{number}: not a rule")
    return rules, allowed


def tracked(top, paths):
    """The files of the tree: git's where there is git, else all."""
    git = subprocess.run(["git", "-c", f"safe.directory={os.path.realpath(top)}", "-C", top,
                          "ls-files", "-co", "--exclude-standard", "--", *paths],
                         capture_output=True, text=True, check=False)
    if git.returncode == 0 and git.stdout:
        return sorted(set(git.stdout.splitlines()))
    found = []
    for path in paths or ["."]:
        if os.path.isfile(os.path.join(top, path)):
            found.append(path)
        for folder, _, names in os.walk(os.path.join(top, path)):
            found += [os.path.relpath(os.path.join(folder, n), top) for n in names]
    return sorted(f for f in found if not f.startswith((".git/", "build/")))


def check_file(path, source, rules, allowed, report):
    text = split(path, source)
    if text is None:
        return
    starts = [0] + [m.end() for m in re.finditer("\n", source)]
    parts = {kind: "".join(part) for kind, part in text.parts.items()}
    for rule in rules:
        for kind in KINDS[rule.where]:
            for m in rule.pattern.finditer(parts.get(kind, "")):
                number = bisect.bisect_right(starts, m.start())
                end = source.find("\n", m.end())
                line = source[starts[number - 1]:end if end >= 0 else None]
                if any(fnmatch.fnmatch(path, f) and p.search(line) for f, p in allowed):
                    continue
                rule.count += 1
                report(path, number, m.group(), rule, line)


def main():
    here = os.path.dirname(os.path.realpath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[2])
    parser.add_argument("-l", "--list", action="store_true", help="list each occurrence")
    parser.add_argument("-r", "--rules", default=os.path.join(here, "words.txt"))
    parser.add_argument("-q", "--quiet", action="store_true", help="print the total only")
    parser.add_argument("dir")
    parser.add_argument("path", nargs="*")
    args = parser.parse_args()
    rules, allowed = read_rules(args.rules)
    files = 0
    by_file = {}

    def report(path, number, found, rule, line):
        by_file[path] = by_file.get(path, 0) + 1
        if args.list:
            found = " ".join(found.split())
            print(f"{path}:{number}: {found} ({rule.instead}): {' '.join(line.split())}")

    for path in tracked(args.dir, args.path):
        if any(fnmatch.fnmatch(path, s) for s in SKIP):
            continue
        try:
            with open(os.path.join(args.dir, path), encoding="utf-8") as f:
                source = f.read()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        files += 1
        check_file(path, source, rules, allowed, report)
    if not files:
        sys.exit(f"words.py: no files in {args.dir}")
    left = [r for r in rules if r.count]
    if not args.quiet:
        for rule in sorted(left, key=lambda r: -r.count):
            print(f"{rule.count:6}  {rule.phrase}  ({rule.where}: {rule.instead})")
    print(f"{sum(r.count for r in left)} occurrences of {len(left)} of {len(rules)} phrases"
          f" in {len(by_file)} of {files} files")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
