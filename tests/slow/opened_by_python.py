#!/usr/bin/env python3
"""Opens what Glassworks exports with the library `datasets`, and holds every format to the JSON lines.

    tests/slow/opened_by_python.py EXPORTS

EXPORTS is the example `exports` of glassworks-datasets. Makes an environment of its own for the libraries.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LIBRARIES = ["datasets==5.2.0", "pyarrow==26.0.1", "pandas==3.1.1"]


def opened(folder):
    """Runs inside the environment."""
    import datasets

    cache = str(folder / "cache")

    def load(kind, **options):
        return datasets.load_dataset(kind, cache_dir=cache, **options)

    for stem in ["flat", "nested"]:
        expected = [json.loads(line) for line in (folder / f"{stem}.jsonl").read_text(encoding="utf-8").splitlines()]
        found = {
            "jsonl": load("json", data_files=str(folder / f"{stem}.jsonl"), split="train").to_list(),
            "parquet": load("parquet", data_files=str(folder / f"{stem}.parquet"), split="train").to_list(),
        }
        if stem == "flat":
            # pandas makes floats of a column of whole numbers with gaps: as numbers they are the same.
            found["csv"] = load("csv", data_files=str(folder / "flat.csv"), split="train").to_list()
        whole = load(str(folder / stem))
        parts = {name: part.to_list() for name, part in whole.items()}
        names = ["train"] if stem == "flat" else ["train", "validation", "test"]
        assert list(parts) == names, f"{stem}: splits {list(parts)}"
        order = {"train": 0, "validation": 1, "test": 2}
        if stem == "flat":
            found["folder"] = parts["train"]
        else:
            for name, rows in parts.items():
                assert rows == expected[order[name]::3], f"{stem}: rows of {name}"
        for kind, rows in found.items():
            assert rows == expected, f"{stem}: {kind} has other rows than the JSON lines"
    print("Python's datasets sees the same rows in every format")


def main():
    if sys.argv[1] == "--inside":
        opened(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run([sys.argv[1], str(folder / "out")], check=True)
        venv.create(folder / "python", with_pip=True)
        python = folder / "python/bin/python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *LIBRARIES], check=True)
        subprocess.run([python, __file__, "--inside", str(folder / "out")], check=True)


if __name__ == "__main__":
    main()
