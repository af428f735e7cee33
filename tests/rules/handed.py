#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What finwall hands to the kernel is there as if nft had loaded the whole file.

handed.py FINWALL FILE...

For each file: nft loads it in one network namespace, and what finwall hook print shows of the kernel's
part in another one. Each chain, set, map and object of the second is the same, byte for byte, in the
first; each base chain of the first that finwall does not judge is in the second. A chain of which the
kernel has some rules only, or a copy that neither drops nor logs, is compared by its rules. Needs root.
Exits 1 if one is not so, 77 without rights or nft.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

OWN_HOOKS = re.compile(r"type filter hook (input|forward|output) ")
MARK = re.compile(r'^\tcomment "finwall kernel part [0-9a-f]+"\n', re.M)


def devices(text):
    """Interfaces that must exist before nft loads the file."""
    names = set()
    for found in re.findall(r"devices?\s*=?\s*(\{[^}]*\}|\"?[\w.-]+\"?)", text):
        names |= set(re.findall(r"[\w.-]+", found))
    names |= set(re.findall(r"\b[io]if\s+\"?([a-z][\w.-]*)\"?", text))
    for found in re.findall(r"\b[io]if\s+(\{[^}]*\})", text):
        names |= set(re.findall(r"[a-z][\w.-]*", found))
    for name, value in re.findall(r"define\s+(\w+)\s*=\s*(\{[^}]*\}|\S+)", text):
        if re.search(r"(devices?\s*=?|[io]if)\s*\{?\s*\$" + name, text):
            names |= set(re.findall(r"[a-z][\w.-]*", value))
    return sorted(n for n in names if n != "lo" and n[0].isalpha() and len(n) < 16)


def in_namespace(script, text, names):
    """Runs a script with `text` as its input in a new network namespace that has the interfaces."""
    links = "".join(f"ip link add {n} type veth peer name far{i} 2>/dev/null;"
                    for i, n in enumerate(names))
    return subprocess.run(
        ["unshare", "-n", "sh", "-c", f"ip link set lo up; {links} {script}"],
        input=text, capture_output=True, text=True, check=False)


def objects(listing):
    """{(table, head): text} of a listing of nft, and the tables' own lines."""
    found = {}
    table = head = None
    for line in MARK.sub("", listing).splitlines():
        if line.startswith("table "):
            table = line
        elif re.match(r"^\t(\S.*) \{$", line):
            head = line.strip()
            found[table, head] = ""
        elif line == "\t}":
            head = None
        elif head is not None:
            found[table, head] += line + "\n"
    return found


def without_counters(text):
    return re.sub(r"packets \d+ bytes \d+", "packets 0 bytes 0", text)


def is_kernel_hook(key, text):
    family = key[0].split()[1]
    return " hook " in text and (family not in ("ip", "ip6", "inet") or not OWN_HOOKS.search(text))


def kernel_chains(whole):
    """The chains of the kernel's hooks and all that they lead to."""
    found = {key for key, text in whole.items() if is_kernel_hook(key, text)}
    rest = list(found)
    while rest:
        table, head = rest.pop()
        for name in re.findall(r"\b(?:jump|goto) ([\w.-]+)", whole.get((table, head), "")):
            key = (table, f"chain {name} {{")
            if key not in found:
                found.add(key)
                rest.append(key)
    return found


def copied(line):
    """A rule of a chain that finwall judges, as the kernel has it: it neither drops nor logs."""
    line = re.sub(r"\breject\b.*", "accept", line)
    line = re.sub(r"\bdrop\b", "accept", line)
    return re.sub(r'(?<![\w-])log(?: (?:prefix "[^"]*"|level \w+|group \d+|snaplen \d+|flags [a-z, ]+?))*'
                  r"(?: |$)", "", line).rstrip()


def compare(whole, part):
    """Yields what is not as it should be."""
    of_kernel = kernel_chains(whole)
    for key, text in part.items():
        if key not in whole:
            yield f"{key[0]} {key[1]} is not in nft's"
        elif text != whole[key]:
            rules = {copied(rule) for rule in whole[key].splitlines()}
            if key in of_kernel or not key[1].startswith("chain "):
                yield f"{key[0]} {key[1]} differs"
            for line in text.splitlines():
                if line.rstrip() not in rules:
                    yield f"{key[0]} {key[1]}: {line.strip()}"
    for key, text in whole.items():
        if is_kernel_hook(key, text) and key not in part:
            yield f"{key[0]} {key[1]} is not handed to the kernel"


def main():
    finwall, files = sys.argv[1], sys.argv[2:]
    if os.geteuid() != 0 or shutil.which("nft") is None:
        print("needs root and nft")
        return 77
    right = wrong = left_out = 0
    for path in map(pathlib.Path, files):
        text = path.read_text()
        names = devices(text)
        whole = in_namespace("nft -f - && nft list ruleset", text, names)
        if whole.returncode != 0:
            left_out += 1
            print(f"{path.name}: left out, nft refuses it: {whole.stderr.splitlines()[0]}")
            continue
        script = in_namespace(
            f"{finwall} --socket /nonexistent hook print --force -c {path}", "", names)
        found = re.search(r"# the kernel's part of the configuration\nnft -f - <<'EOF'\n(.*?)EOF\n",
                          script.stdout, re.S)
        if script.returncode != 0:
            left_out += 1
            print(f"{path.name}: left out: {script.stderr.splitlines()[0]}")
            continue
        part = in_namespace("nft -f - && nft list ruleset", found.group(1) if found else "", names)
        if part.returncode != 0:
            wrong += 1
            print(f"{path.name}: nft refuses the kernel's part: {part.stderr}")
            continue
        faults = list(compare(objects(without_counters(whole.stdout)),
                              objects(without_counters(part.stdout))))
        right += not faults
        wrong += bool(faults)
        for fault in faults[:5]:
            print(f"{path.name}: {fault}")
    print(f"{right} files as expected, {wrong} not, {left_out} left out")
    return 1 if wrong or not right else 0


sys.exit(main())
