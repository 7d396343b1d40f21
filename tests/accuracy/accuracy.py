#!/usr/bin/env python3
"""How well `coord symbols` reads real code, measured against each language's own parser.

    accuracy.py --coord target/release/coord [--language python|go|typescript|declarations] [--examples N]

Python is measured on the standard library of the Python that runs this, by `ast`; Go on the standard library of the
installed Go, by `go/parser`; TypeScript on popular packages from npm, by the TypeScript compiler. What is missing of
these is fetched into `target/accuracy`; what cannot be fetched is named, and the run fails.

The oracles beside this file say for themselves what counts as a declaration; they share no code with `coord`. Every
definition counts, so a path that is defined twice must be found twice. It ends with status 1 if a bar is missed.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "target" / "accuracy"

# Packages that ship their sources, and packages that ship declarations; each pinned to its major version.
PACKAGES = [
    "typescript@5.9", "@types/node@24", "@types/react@19", "@types/lodash@4", "@types/three@0.180", "zod@4", "rxjs@7",
    "vue@3", "effect@3", "date-fns@4", "type-fest@5", "@sinclair/typebox@0.34", "@angular/core@20",
    "@angular/common@20", "@angular/router@20", "fp-ts@2", "io-ts@2", "@reduxjs/toolkit@2", "react-hook-form@7",
    "@tanstack/query-core@5", "@tanstack/react-query@5", "@tanstack/table-core@8", "@tanstack/router-core@1", "viem@2",
    "drizzle-orm@0.44", "kysely@0.28", "rollup@4", "vite@7", "lit@3", "mobx@6", "xstate@5", "valibot@1",
    "@aws-sdk/client-s3@3", "@babel/types@7", "csstype@3", "jotai@2", "@apollo/client@3", "openai@5",
    "@anthropic-ai/sdk@0.60", "react-native@0.81", "playwright-core@1", "monaco-editor@0.52",
]

# The least share of what is found that must exist, of what exists that must be found, and of spans that must agree.
BARS = {
    "python": (0.999, 0.999, 0.999),
    "go": (0.999, 0.999, 0.999),
    "typescript": (0.999, 0.985, 0.999),
    "declarations": (0.999, 0.985, 0.999),
}

# How far the lines of two spans may be apart.
SPAN_LINES = 1

# How many files are named to one process.
BATCH = 400


class Missing(Exception):
    """Something that the measurement needs and that could not be had."""


def need(program, how):
    path = shutil.which(program)
    if not path:
        raise Missing(f"`{program}` is not installed; {how}")
    return path


def files_below(root, suffixes, without=()):
    found = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in without)
        found += [os.path.join(directory, file) for file in sorted(files) if file.endswith(suffixes)]
    return found


def python_material():
    root = sysconfig.get_path("stdlib")
    files = files_below(root, (".py",), without=("site-packages", "__pycache__"))
    return files, [sys.executable, str(HERE / "oracle_python.py")]


def go_material():
    if not shutil.which("go") and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "golang-go"], stdout=subprocess.DEVNULL)
    go = need("go", "install Go, on Debian `apt-get install golang-go`")
    root = subprocess.run([go, "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    source = os.path.join(root, "src")
    files = files_below(os.path.realpath(source), (".go",))
    if len(files) < 1000:
        raise Missing(f"no Go sources below {source}; on Debian `apt-get install golang-src`")
    CACHE.mkdir(parents=True, exist_ok=True)
    oracle = CACHE / "oracle_go"
    environment = dict(os.environ, GO111MODULE="off", GOFLAGS="", GOCACHE=str(CACHE / "go-build"))
    subprocess.run([go, "build", "-o", str(oracle), str(HERE / "oracle_go.go")], check=True, env=environment)
    return files, [str(oracle)]


def typescript_packages():
    root = CACHE / "npm"
    wanted = json.dumps(PACKAGES)
    mark = root / "installed.json"
    if not mark.exists() or mark.read_text() != wanted:
        npm = need("npm", "install Node.js with npm")
        root.mkdir(parents=True, exist_ok=True)
        (root / "package.json").write_text('{"private": true}\n')
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--no-save", "--silent"]
        if subprocess.run([npm, "install", *flags, *PACKAGES], cwd=root).returncode != 0:
            raise Missing("npm could not install the packages to measure on")
        mark.write_text(wanted)
    return root / "node_modules"


def typescript_oracle(packages):
    node = need("node", "install Node.js")
    return [node, "--max-old-space-size=3000", str(HERE / "oracle_typescript.js"), str(packages / "typescript")]


DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")


def typescript_material():
    packages = typescript_packages()
    files = files_below(packages, (".ts", ".tsx", ".mts", ".cts"))
    return [file for file in files if not file.endswith(DECLARATIONS)], typescript_oracle(packages)


def declarations_material():
    packages = typescript_packages()
    return files_below(packages, DECLARATIONS), typescript_oracle(packages)


MATERIAL = {
    "python": python_material,
    "go": go_material,
    "typescript": typescript_material,
    "declarations": declarations_material,
}


def ask_oracle(command, files):
    """What the language's own parser finds, by file; and how many files it refuses."""
    done = subprocess.run(command, input="\n".join(files) + "\n", check=True, stdout=subprocess.PIPE, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {answer["file"]: answer["symbols"] for answer in answers if not answer.get("error")}, len(files) - len(answers)


def ask_coord(coord, files):
    found = {}
    for at in range(0, len(files), BATCH):
        # It ends with status 1 if it refuses a file, which is then missing from its answer.
        done = subprocess.run([coord, "symbols", "--json", *files[at:at + BATCH]], capture_output=True, text=True)
        for answer in json.loads(done.stdout):
            found[answer["file"]] = [
                [symbol["path"], symbol["kind"], symbol["start_line"], symbol["end_line"]]
                for symbol in answer["symbols"]
            ]
    return found


def pair(expected, actual):
    """Pairs definitions of the same path in the order of their lines. Returns pairs, missing and surplus."""
    by_path = collections.defaultdict(lambda: ([], []))
    for symbol in expected:
        by_path[symbol[0]][0].append(symbol)
    for symbol in actual:
        by_path[symbol[0]][1].append(symbol)
    pairs, missing, surplus = [], [], []
    for ours, theirs in by_path.values():
        while ours and theirs:
            # The nearest two first, so that one that is missing does not shift the others.
            best = min(((abs(a[2] - b[2]), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)))
            pairs.append((ours.pop(best[1]), theirs.pop(best[2])))
        missing += ours
        surplus += theirs
    return pairs, missing, surplus


def cause(symbol, others, read):
    """Why a definition is only on one side."""
    if not read:
        return "the file was refused"
    path, kind = symbol[0], symbol[1]
    outer = path.rpartition("::")[0]
    leaf = path.rpartition("::")[2]
    paths = {other[0] for other in others}
    if path in paths:
        return f"another definition of the same path ({kind})"
    if outer and outer not in paths:
        return f"what it is inside of is not there either ({kind})"
    if any(other[0].rpartition("::")[2] == leaf and abs(other[2] - symbol[2]) <= SPAN_LINES for other in others):
        return f"there under another path ({kind})"
    return f"not there ({kind})"


def line_of(file, number):
    with open(file, encoding="utf-8", errors="replace") as lines:
        for at, line in enumerate(lines, 1):
            if at == number:
                return line.strip()[:100]
    return ""


def measure(language, coord, examples):
    files, oracle = MATERIAL[language]()
    expected, _ = ask_oracle(oracle, files)
    actual = ask_coord(coord, sorted(expected))
    counts = collections.Counter()
    causes = collections.defaultdict(list)
    for file, symbols in expected.items():
        read = file in actual
        ours = actual.get(file, [])
        pairs, missing, surplus = pair(symbols, ours)
        counts["both"] += len(pairs)
        counts["missing"] += len(missing)
        counts["surplus"] += len(surplus)
        for want, have in pairs:
            if max(abs(want[2] - have[2]), abs(want[3] - have[3])) > SPAN_LINES:
                counts["span"] += 1
                text = f"{want[0]}: lines {want[2]}-{want[3]}, not {have[2]}-{have[3]}"
                causes[f"span ({want[1]})"].append((file, want[2], text))
        for symbol in missing:
            causes["missing: " + cause(symbol, ours, read)].append((file, symbol[2], symbol[0]))
        for symbol in surplus:
            causes["surplus: " + cause(symbol, symbols, True)].append((file, symbol[2], symbol[0]))
    both = counts["both"]
    precision = both / max(1, both + counts["surplus"])
    recall = both / max(1, both + counts["missing"])
    spans = 1 - counts["span"] / max(1, both)
    passed = all(value >= bar for value, bar in zip((precision, recall, spans), BARS[language]))
    print(f"\n{language}: {len(expected)} files, {both + counts['missing']} definitions; "
          f"{len(files) - len(expected)} files left out, which their own parser refuses")
    print(f"  precision {precision:.5f}  recall {recall:.5f}  spans {spans:.5f}  {'ok' if passed else 'BELOW THE BAR'}")
    for name, where in sorted(causes.items(), key=lambda entry: -len(entry[1])):
        print(f"  {len(where):6} {name}")
        for file, number, text in where[:examples]:
            print(f"           {os.path.relpath(file)}:{number}: {text}    | {line_of(file, number)}")
    return passed


def main():
    parser = argparse.ArgumentParser(description="Measure `coord symbols` against each language's own parser.")
    parser.add_argument("--coord", default=str(HERE.parent.parent / "target" / "release" / "coord"))
    parser.add_argument("--language", choices=list(MATERIAL), action="append")
    parser.add_argument("--examples", type=int, default=3, help="how many of each cause are shown")
    arguments = parser.parse_args()
    passed = True
    for language in arguments.language or list(MATERIAL):
        try:
            passed &= measure(language, arguments.coord, arguments.examples)
        except Missing as missing:
            print(f"\n{language}: not measured: {missing}", file=sys.stderr)
            passed = False
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
