#!/usr/bin/env python3
"""Writes THIRD-PARTY.txt: every crate that Glassworks is built from, and the licence texts they carry.

    assets/licences/third_party.py

Needs Python 3.8 and cargo, nothing else. Run it whenever Cargo.lock changes; a test compares the two.
Counted are the crates of the program itself on Linux, Windows and macOS: no tests, no build tools.
Texts that differ only in their copyright lines are printed once, the copyright lines below them by crate.
"""

import hashlib
import json
import os
import re
import subprocess
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = HERE / "THIRD-PARTY.txt"
PROGRAM = "glassworks"
TARGETS = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin"]
LIMIT_BYTES = 400_000
FILES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|ofl)", re.I)
NOT_TEXT = {".rs", ".py", ".toml", ".json", ".html", ".sh", ".png"}
# The lines that differ between two copies of one licence: who holds the copyright, and since when.
HOLDER = re.compile(r"^\W*((portions )?copyright|\(c\)|©)\s*(\(c\)|©|\d|by |the |[A-Z])", re.I)
PROSE = re.compile(
    r"[\[{<](yyyy|year)|\(c\) you|copyright (notice|owner|license|holder|and|law|statement|in|as|i[st])\b| or$", re.I
)
FAMILIES = [
    ("Apache License", "Apache-2.0"),
    ("Mozilla Public License", "MPL-2.0"),
    ("BOOST SOFTWARE LICENSE", "BSL-1.0"),
    ("SIL OPEN FONT LICENSE", "OFL-1.1"),
    ("UNICODE LICENSE V3", "Unicode-3.0"),
    ("CC0 1.0 Universal", "CC0-1.0"),
    ("free and unencumbered software", "Unlicense"),
    ("UBUNTU FONT LICENCE", "Ubuntu-font-1.0"),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Permission to use, copy, modify, and", "ISC"),
    ("This software is provided 'as-is'", "Zlib"),
    ("Redistribution and use in source and binary forms", "BSD"),
]


def cargo(*arguments):
    command = [os.environ.get("CARGO", "cargo"), *arguments, "--locked"]
    return subprocess.check_output(command, cwd=ROOT, text=True)


def program_crates():
    """The crates that end up in the program, by name and version."""
    names = set()
    for target in TARGETS:
        tree = cargo("tree", "-p", PROGRAM, "-e", "normal", "--prefix=none", "--format={p}", "--target", target)
        names.update(tuple(line.split()[:2]) for line in tree.splitlines())
    known = json.loads(cargo("metadata", "--format-version=1"))["packages"]
    crates = [one for one in known if one["source"] and (one["name"], "v" + one["version"]) in names]
    return sorted(crates, key=lambda one: (one["name"], one["version"]))


def licence_files(package):
    folder = Path(package["manifest_path"]).parent
    paths = [path for path in folder.iterdir() if FILES.match(path.name)]
    paths += [path for path in paths if path.is_dir() for path in path.iterdir()]
    if package.get("license_file"):
        paths.append(folder / package["license_file"])
    # A crate offered under the GPL or something else is taken under the other.
    usable = (path for path in paths if path.is_file() and path.suffix not in NOT_TEXT and "GPL" not in path.name)
    return sorted({path.resolve() for path in usable})


def split(text):
    """A licence's text without its copyright lines, and those lines."""
    body, holders = [], []
    for line in text.splitlines():
        line = line.rstrip()
        if HOLDER.match(line) and not PROSE.search(line) and len(line) < 160:
            holders.append(line.strip(" \t/*#"))
        else:
            body.append(line)
    return "\n".join(body).strip("\n"), holders


def fingerprint(body):
    """Equal for texts that say the same with other line breaks, quotes, titles or placeholders."""
    words = re.sub(r"apache\.org/licenses/.*?$|[\[{<][^\]}>]{0,40}[\]}>]", "", body, flags=re.M).lower()
    words = re.sub(r"^\W*((the )?mit licen[cs]e( \(mit\))?|mit)\W*$|all rights reserved\.?", "", words, flags=re.M)
    words = re.sub(r"https?", "", words)
    if "end of terms and conditions" in words and "version 2.0, january 2004" in words:
        words = words.split("end of terms and conditions")[0]
    return hashlib.sha256(re.sub(r"[^a-z0-9]", "", words).encode()).hexdigest()


def family(body):
    flat = " ".join(body.split())
    return next((name for phrase, name in FAMILIES if phrase.lower() in flat.lower()), "Notice")


def main():
    crates = program_crates()
    texts = {}
    for package in crates:
        label = f"{package['name']} {package['version']}"
        for path in licence_files(package):
            body, holders = split(path.read_text(encoding="utf-8", errors="replace"))
            if len(body) < 200 and not holders:
                continue
            entry = texts.setdefault(fingerprint(body), {"body": body, "crates": {}})
            entry["crates"].setdefault(label, [])
            entry["crates"][label] += [line for line in holders if line not in entry["crates"][label]]

    lines = [
        "Glassworks is built from these crates. Their authors are thanked, and their licences follow the list.",
        "The fonts, icons and the model that come with the program have their notices beside them, in the assets folder.",
        "",
    ]
    for package in crates:
        licence = package["license"] or "see its licence text"
        where = package["repository"] or f"crates: {package['name']}"
        lines.append(f"{package['name']} {package['version']} | {licence.replace('/', ' OR ')} | {where}")
    for entry in sorted(texts.values(), key=lambda one: (family(one["body"]), sorted(one["crates"])[0])):
        lines += ["", "=" * 100, family(entry["body"]), ""]
        by_holders = {}
        for crate, holders in sorted(entry["crates"].items()):
            by_holders.setdefault("\n".join(holders), []).append(crate)
        for holders, names in by_holders.items():
            lines += textwrap.wrap(", ".join(names), 100)
            lines += [f"    {line}" for line in holders.splitlines()]
        lines += ["", entry["body"]]
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > LIMIT_BYTES:
        raise SystemExit(f"{len(text.encode())} bytes, more than {LIMIT_BYTES}: too much to ship in the window")
    OUT.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(crates)} crates, {len(texts)} texts, {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
