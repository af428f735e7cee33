#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports circles of files: files that need each other's symbols, directly or through others.

usage: circles.py BUILD_DIR [-v]     the programs' objects of a build; -v: each edge's symbols
       circles.py --objects FILE...  these objects

A file needs another one when its object has an undefined symbol that the other object defines. A
circle is a strongly connected component of more than one file. Callbacks are no edge: a pointer
that is passed at run time has no symbol.

The objects come from BUILD_DIR/compile_commands.json, so that objects of files that are gone do
not count. daemon/, chart/, cli/ and bench/ are read. A name may have one definition in each of
them: a symbol is looked up in the file's own folder first, then in those that programs share
(daemon/, chart/).

Exit status: 0 no circle, 1 circles, 2 usage, or an object that cannot be read.
"""
import collections
import json
import os
import shlex
import subprocess
import sys

SHARED = ("daemon", "chart")
FOLDERS = (*SHARED, "cli", "bench")


def die(text):
    print("circles: " + text, file=sys.stderr)
    sys.exit(2)


def object_of(entry):
    """The object that an entry of compile_commands.json makes."""
    if "output" in entry:
        name = entry["output"]
    else:
        words = shlex.split(entry["command"])
        name = words[words.index("-o") + 1]
    return os.path.join(entry["directory"], name)


def source_name(path, source_dir, build_dir):
    """A source relative to the tree; of a generated one, the file that it is generated from."""
    for top in build_dir, source_dir:  # the build directory may lie inside the tree
        if path.startswith(top + os.sep):
            name = os.path.relpath(path, top)
            break
    else:
        return path
    for ext in ".y", ".l":
        grammar = os.path.splitext(name)[0] + ext
        if top == build_dir and os.path.exists(os.path.join(source_dir, grammar)):
            return grammar
    return name


def cache_value(build_dir, key):
    with open(os.path.join(build_dir, "CMakeCache.txt")) as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.rstrip("\n").split("=", 1)[1]
    return ""


def objects_of_build(build_dir):
    """{source name: [object]}. A source that two targets compile has two objects."""
    build_dir = os.path.realpath(build_dir)
    found = collections.defaultdict(list)
    try:
        source_dir = os.path.realpath(cache_value(build_dir, "CMAKE_HOME_DIRECTORY"))
        with open(os.path.join(build_dir, "compile_commands.json")) as f:
            entries = json.load(f)
    except OSError as e:
        die(f"{e.filename}: {e.strerror}")
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        name = source_name(path, source_dir, build_dir)
        if name.split(os.sep)[0] in FOLDERS:
            found[name].append(object_of(entry))
    if not found:
        die(f"{build_dir}: no objects of {', '.join(FOLDERS)}")
    return found


def symbols(objects):
    """{object: (defined, needed)}, by nm."""
    p = subprocess.run([os.environ.get("NM", "nm"), "-gAP", *objects], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    if p.returncode:
        die(p.stderr.strip())
    found = {o: (set(), set()) for o in objects}
    for line in p.stdout.splitlines():
        name, rest = line.split(": ", 1)
        symbol, kind = rest.split()[:2]
        found[name][kind in "Uwv"].add(symbol)
    return found


def graph_of(files):
    """{file: {file that it needs: {symbol}}}, from {file: [object]}."""
    by_object = symbols([o for objects in files.values() for o in objects])
    defined, needed = {}, {}
    definers = collections.defaultdict(lambda: collections.defaultdict(set))
    for name, objects in files.items():
        defined[name] = set().union(*(by_object[o][0] for o in objects))
        needed[name] = set().union(*(by_object[o][1] for o in objects))
        for symbol in defined[name]:
            definers[symbol][folder_of(name)].add(name)
    graph = {}
    for name in files:
        graph[name] = collections.defaultdict(set)
        for symbol in needed[name] - defined[name]:
            by_folder = definers.get(symbol, {})
            others = by_folder.get(folder_of(name)) or set().union(
                *(by_folder.get(folder, ()) for folder in SHARED))
            for other in others:
                graph[name][other].add(symbol)
    return graph


def shared_definers(folders):
    """The files of the shared folders among a symbol's definers by folder."""
    return [name for folder in SHARED for name in folders.get(folder, ())]


def folder_of(name):
    folder = name.split(os.sep)[0]
    return folder if folder in FOLDERS else ""


def components(graph):
    """Strongly connected components of more than one file (Tarjan 1972, with its own stack)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for root in sorted(graph):
        if root in index:
            continue
        calls = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while calls:
            node, rest = calls[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    calls.append((other, iter(sorted(graph[other]))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    members = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(members)
                    if len(members) > 1:
                        found.append(sorted(members))
    return sorted(found)


def report(graph, verbose):
    circles = components(graph)
    for members in circles:
        print(f"circle of {len(members)} files: {' '.join(members)}")
        for name in members if verbose else ():
            for other in sorted(set(graph[name]) & set(members)):
                print(f"    {name} -> {other}: {' '.join(sorted(graph[name][other]))}")
    edges = sum(len(others) for others in graph.values())
    print(f"{len(graph)} files, {edges} edges, {len(circles)} circles")
    return 1 if circles else 0


def main(args):
    verbose = "-v" in args
    args = [a for a in args if a != "-v"]
    if len(args) > 1 and args[0] == "--objects":
        files = {o: [o] for o in args[1:]}
    elif len(args) == 1 and not args[0].startswith("-"):
        files = objects_of_build(args[0])
    else:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    return report(graph_of(files), verbose)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
